"""What people get wrong, to see whether the log says what to do."""

import os

import django
from django.conf import settings


class LayerWithoutAnOption:
    """A layer whose own options are not all there."""

    def __init__(self):
        raise KeyError("TIME_ZONE")


LAYERS = {
    "": {},
    "1": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    "broken": {"default": {"BACKEND": "mistaken.LayerWithoutAnOption"}},
    "nowhere": {"default": {"BACKEND": "nowhere.Layer"}},
}
settings.configure(
    INSTALLED_APPS=["channels"], CHANNEL_LAYERS=LAYERS[os.environ.get("WITH_LAYER", "")]
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402


class WithoutLayer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)


class WithoutLayerInGroups(AsyncWebsocketConsumer):
    groups = ["room"]


class NeverAccepting(AsyncWebsocketConsumer):
    async def connect(self):
        pass


class Misspelled(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.send(self.channel_name, {"type": "chat.mesage"})

    async def chat_message(self, event):
        await self.send(text_data="never")


async def of_another_layer(scope, receive, send):
    await get_channel_layer("other").group_send("room", {"type": "told"})


without_layer = WithoutLayer.as_asgi()
without_layer_in_groups = WithoutLayerInGroups.as_asgi()
never_accepting = NeverAccepting.as_asgi()
