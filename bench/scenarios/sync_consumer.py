"""The echo of a sync Channels consumer: each message goes to a thread, and its answer back."""

from dataclasses import dataclass

from bench.scenarios.channels_echo import ChannelsEcho


@dataclass(frozen=True)
class SyncConsumer(ChannelsEcho):
    """The same clients, and a WebsocketConsumer."""

    name = "sync-consumer"
    summary = "CPU per message of a sync Channels consumer that echoes"
    path = "/ws/sync-echo/"
