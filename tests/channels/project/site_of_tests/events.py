"""HTTP consumers: streams of events, and requests as ASGI messages."""

import asyncio
import json

from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer

from site_of_tests.consumers import plain
from site_of_tests.journal import note

STREAM = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


class Events(AsyncHttpConsumer):
    """Three events, then the end."""

    async def handle(self, body):
        await self.send_headers(headers=STREAM)
        for number in range(3):
            await self.send_body(f"data: {number}\n\n".encode(), more_body=True)
            await asyncio.sleep(0.01)
        await self.send_body(b"")


class Listening(AsyncHttpConsumer):
    """Begins a stream and waits for events, so that it hears of the client's leaving."""

    async def http_request(self, message):
        await self.send_headers(headers=STREAM)
        await self.send_body(b"data: hello\n\n", more_body=True)

    async def http_disconnect(self, message):
        note(self.scope, "told")
        raise StopConsumer


class Stubborn(AsyncHttpConsumer):
    """Never asks whether the client is still there."""

    async def handle(self, body):
        await self.send_headers(headers=STREAM)
        try:
            while True:
                await self.send_body(b"data: tick\n\n", more_body=True)
                await asyncio.sleep(0.05)
        except BaseException as error:
            note(self.scope, type(error).__name__)
            raise


class Sleeping(AsyncHttpConsumer):
    """Begins a stream and does something else."""

    async def handle(self, body):
        await self.send_headers(headers=STREAM)
        await self.send_body(b"data: tick\n\n", more_body=True)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            note(self.scope, "cancelled")
            raise


class Scope(AsyncHttpConsumer):
    """Answers with its scope."""

    async def handle(self, body):
        hidden = {"session", "cookies", "user", "app", "state"}
        scope = {key: plain(value) for key, value in self.scope.items() if key not in hidden}
        body = json.dumps(scope).encode()
        await self.send_response(200, body, headers=[(b"content-type", b"application/json")])


class Echo(AsyncHttpConsumer):
    """Answers with the request's body."""

    async def handle(self, body):
        await self.send_response(200, body, headers=[(b"x-parts", b"joined")])


class Talkative(AsyncHttpConsumer):
    """Goes on to send behind its response, which Channels says is ignored."""

    async def handle(self, body):
        await self.send_response(200, b"all")
        await self.send_body(b"more")
        note(self.scope, "went on")


class Silent(AsyncHttpConsumer):
    """Returns without an answer."""

    async def http_request(self, message):
        raise StopConsumer


class Broken(AsyncHttpConsumer):
    """Raises in the middle of its response."""

    async def handle(self, body):
        await self.send_headers(headers=[(b"content-type", b"text/plain")])
        await self.send_body(b"half", more_body=True)
        raise RuntimeError("crash in a response")
