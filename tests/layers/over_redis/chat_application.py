"""The application of the project: one room, and a worker that listens in it."""

import django

django.setup()

from channels.routing import ChannelNameRouter, ProtocolTypeRouter  # noqa: E402
from consumers import Room, Worker  # noqa: E402

application = ProtocolTypeRouter(
    {
        "websocket": Room.as_asgi(),
        "channel": ChannelNameRouter({"worker": Worker.as_asgi()}),
    }
)
