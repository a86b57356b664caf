"""The echo of a Channels consumer: what one message, in and out, costs server and Channels."""

from dataclasses import dataclass

from bench.scenarios.echo import Echo


@dataclass(frozen=True)
class ChannelsEcho(Echo):
    """The same clients as the raw echo has, and an AsyncWebsocketConsumer."""

    name = "channels-echo"
    summary = "CPU per message of a Channels consumer that echoes"
    application = "bench.channels_site.asgi:application"
    path = "/ws/echo/"
    servers = "casgi,daphne,uvicorn"
