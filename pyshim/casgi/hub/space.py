"""Who hears what the hub says to a process: one for each prefix, mostly."""

from typing import Protocol


class Space(Protocol):
    """What has the topics and channels of one prefix: a channel layer."""

    def take(self, topic: bytes, payload: bytes) -> int:
        """Take a message of a topic; return how many consumers have to run for it."""

    def take_message(self, channel: bytes, payload: bytes) -> int:
        """Take a message of a channel that was asked for."""

    def waits_for(self, channel: bytes) -> bool:
        """Whether somebody here receives from the channel."""

    def report_gap(self) -> None:
        """Notice that messages may have been lost."""

    def leave_to_parent(self) -> None:
        """In a forked child: forget what the parent has joined."""
