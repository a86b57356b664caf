import asyncio

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data)


class Failing(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        raise ValueError(f"the consumer does not like {text_data}")


class Lingering(AsyncWebsocketConsumer):
    async def disconnect(self, code):
        await asyncio.sleep(600)


class Refusing(WebsocketConsumer):
    def connect(self):
        self.close()
