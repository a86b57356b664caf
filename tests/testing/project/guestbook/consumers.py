from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from guestbook.models import Entry


class Guestbook(AsyncWebsocketConsumer):
    groups = ["guestbook"]

    async def receive(self, text_data=None, bytes_data=None):
        await database_sync_to_async(Entry.objects.create)(text=text_data)
        await self.channel_layer.group_send("guestbook", {"type": "entry", "text": text_data})

    async def entry(self, event):
        await self.send(event["text"])
