"""The releases of Channels that casgi says it works with, each with what was current beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One of Channels.

    Attributes:
        channels, channels_redis, redis, django: the versions.
        is_accelerated: whether casgi runs its consumers in C.

    """

    channels: str
    channels_redis: str
    redis: str
    django: str
    is_accelerated: bool

    @property
    def requirements(self) -> list[str]:
        """What pip installs."""
        return [
            f"channels=={self.channels}",
            f"channels_redis=={self.channels_redis}",
            f"redis=={self.redis}.*",
            f"django=={self.django}.*",
            "click",
            "cryptography",
        ]


RELEASES = [
    Release("3.0.5", "4.0.0", "4.6", "4.2", is_accelerated=False),
    Release("4.2.0", "4.2.0", "5.2", "5.1", is_accelerated=True),
    Release("4.2.1", "4.2.1", "5.2", "5.1", is_accelerated=True),
    Release("4.2.2", "4.2.1", "5.2", "5.2", is_accelerated=True),
    Release("4.3.0", "4.3.0", "6.4", "5.2", is_accelerated=True),
    Release("4.3.1", "4.3.0", "6.4", "5.2", is_accelerated=True),
]
