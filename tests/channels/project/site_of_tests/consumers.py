"""WebSocket consumers: plain Channels code. Each notes in the journal what it saw."""

import asyncio
import json
import threading

from channels.db import database_sync_to_async
from channels.exceptions import AcceptConnection, ChannelFull, DenyConnection, StopConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from django.contrib.auth.models import User

from site_of_tests.journal import note


class Echo(AsyncWebsocketConsumer):
    """Sends back what it gets."""

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)

    async def disconnect(self, code):
        note(self.scope, "disconnect", code)


class SyncEcho(WebsocketConsumer):
    """The same in a thread."""

    def receive(self, text_data=None, bytes_data=None):
        if text_data == "thread?":
            is_main = threading.current_thread() is threading.main_thread()
            text_data = "main" if is_main else "pool"
        self.send(text_data=text_data, bytes_data=bytes_data)

    def disconnect(self, code):
        note(self.scope, "disconnect", code)


class Json(AsyncJsonWebsocketConsumer):
    """Answers JSON."""

    async def receive_json(self, content):
        await self.send_json({"got": content})


class SyncJson(JsonWebsocketConsumer):
    """Answers JSON from a thread."""

    def receive_json(self, content):
        self.send_json({"got": content})


sleepers = {}


class Commanded(AsyncWebsocketConsumer):
    """Does what it is told."""

    async def receive(self, text_data=None, bytes_data=None):
        command = json.loads(text_data)
        await getattr(self, "do_" + command.pop("do"))(**command)

    async def do_close(self, **how):
        await self.close(**how)

    async def do_send_and_close(self, code):
        await self.send(text_data="last words", close=code)

    async def do_send_after_close(self):
        await self.close(code=4001)
        await self.send(text_data="too late")
        note(self.scope, "survived")

    async def do_close_twice(self):
        await self.close(code=4001)
        await self.close(code=4002)
        note(self.scope, "survived")

    async def do_raise(self):
        raise RuntimeError("crash in receive")

    async def do_stop(self):
        raise StopConsumer

    async def do_name_channel(self):
        await self.send(text_data=self.channel_name)

    async def do_fill_own_channel(self, count):
        await self.do_fill(self.channel_name, count)

    async def do_fill(self, channel, count):
        for number in range(count):
            try:
                await self.channel_layer.send(channel, {"type": "own", "number": number})
            except ChannelFull:
                await self.send(text_data=f"full after {number}")
                return
        await self.send(text_data="sent")

    async def do_join(self, group):
        await self.channel_layer.group_add(group, self.channel_name)
        await self.send(text_data="joined")

    async def do_fill_group(self, group, count):
        for number in range(count):
            await self.channel_layer.group_send(group, {"type": "own", "number": number})

    async def do_sleep(self, name):
        sleepers[name] = asyncio.Event()
        await self.send(text_data="asleep")
        await sleepers[name].wait()

    async def do_wake(self, name):
        sleepers.pop(name).set()

    async def own(self, event):
        await self.send(text_data=str(event["number"]))

    async def do_send_bytes(self, size):
        await self.send(bytes_data=b"b" * size)

    async def do_send_many(self, count):
        for number in range(count):
            await self.send(text_data=str(number))

    async def disconnect(self, code):
        note(self.scope, "disconnect", code)


class LateSender(Commanded):
    """Sends and closes from disconnect()."""

    async def disconnect(self, code):
        await self.send(text_data="too late")
        await self.close(code=4999)
        note(self.scope, "cleaned up", code)


class SyncLateSender(WebsocketConsumer):
    """Sends and closes from disconnect(), in a thread."""

    def receive(self, text_data=None, bytes_data=None):
        self.close(code=4001)

    def disconnect(self, code):
        self.send(text_data="too late")
        self.close(code=4999)
        note(self.scope, "cleaned up", code)


class Connecting(AsyncWebsocketConsumer):
    """Does in connect() what its route says."""

    async def connect(self):
        await getattr(self, "do_" + self.scope["url_route"]["kwargs"]["what"])()

    async def do_reject(self):
        await self.close()

    async def do_reject_with_code(self):
        await self.close(code=4003, reason="not you")

    async def do_deny(self):
        raise DenyConnection

    async def do_accept_by_exception(self):
        raise AcceptConnection

    async def do_crash(self):
        raise RuntimeError("crash in connect")

    async def do_nothing(self):
        note(self.scope, "waiting")

    async def do_accept_and_send(self):
        await self.accept()
        await self.send(text_data="one")
        await self.send(bytes_data=b"two")

    async def do_accept_and_close(self):
        await self.accept()
        await self.close(code=4000, reason="enough")

    async def do_accept_and_crash(self):
        await self.accept()
        raise RuntimeError("crash behind accept")

    async def do_subprotocol(self):
        await self.accept(subprotocol=self.scope["subprotocols"][-1])

    async def do_headers(self):
        await self.accept(headers=[(b"x-accepted", b"yes"), (b"set-cookie", b"a=1")])

    async def do_slow(self):
        await database_sync_to_async(User.objects.count)()
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)

    async def disconnect(self, code):
        note(self.scope, "disconnect", code)


def plain(value):
    """Return a scope's value as JSON can say it, types told apart."""
    if isinstance(value, bytes):
        return "b:" + value.decode("latin-1")
    if isinstance(value, tuple | list):
        return [type(value).__name__, *map(plain, value)]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return value if isinstance(value, str | int | float | None) else type(value).__name__


class Scope(AsyncWebsocketConsumer):
    """Sends its scope."""

    async def connect(self):
        await self.accept()
        hidden = {"session", "cookies", "user", "app"}
        scope = {key: plain(value) for key, value in self.scope.items() if key not in hidden}
        await self.send(text_data=json.dumps(scope))


class Visitor(AsyncWebsocketConsumer):
    """Sends who is signed in and what the session holds."""

    async def connect(self):
        await self.accept()
        count = await database_sync_to_async(self.scope["session"].get)("count")
        user = self.scope["user"]
        await self.send(text_data=json.dumps({"user": user.username, "count": count}))


class Database(AsyncWebsocketConsumer):
    """Reads the database for every message."""

    async def receive(self, text_data=None, bytes_data=None):
        first = await User.objects.order_by("id").afirst()
        count = await database_sync_to_async(User.objects.count)()
        await self.send(text_data=f"{first.username} {count}")


class SyncDatabase(WebsocketConsumer):
    """Reads the database in its thread."""

    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=f"{User.objects.order_by('id').first().username}")
