"""WebSockets that share a group through casgi's channel layer, whatever worker they are on."""

import asyncio
import os

from casgi.channels import ChannelLayer

layer = ChannelLayer()


async def application(scope, receive, send):
    """Pass each message on to every WebSocket."""
    assert scope["type"] == "websocket", scope["type"]
    await receive()
    channel = await layer.new_channel()
    await layer.group_add("everybody", channel)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": str(os.getpid())})
    passing = asyncio.create_task(pass_on(channel, send))
    while (event := await receive())["type"] == "websocket.receive":
        await layer.group_send("everybody", {"type": "said", "text": event["text"]})
    passing.cancel()
    await layer.group_discard("everybody", channel)


async def pass_on(channel, send):
    while True:
        message = await layer.receive(channel)
        await send({"type": "websocket.send", "text": message["text"]})
