"""An application with one of everything, and a page that counts what is alive in its process."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import django
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from casgi import _core

FOLDER = Path(os.environ["LEAKS_FOLDER"])

settings.configure(
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "channels",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.db"}},
    CHANNEL_LAYERS={"default": {"BACKEND": "casgi.channels.ChannelLayer"}},
    LOGGING={"version": 1, "disable_existing_loggers": False, "loggers": {"django": {"level": 60}}},
)


class MallocInfo(ctypes.Structure):
    """What mallinfo2() of the C library returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "used", "free", "keepcost"),
        )
    ]


# What CPython 3.13 calls the clearing of caches for hunters of leaks, and what there was before it.
_clear_caches = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache

_mallinfo = ctypes.CDLL(None).mallinfo2
_mallinfo.restype = MallocInfo


def alive() -> dict[str, int]:
    """Return how much is alive: Python's blocks, bytes of the C heap, objects of the core.

    Not what CPython's cache of attribute lookups holds: up to 4,096 names that are no constants, as
    of the session engine that Django asks a module for, each at a place that its address gives. It
    fills by half of what is free in so many requests, for thousands of them.
    """
    for _ in range(3):
        gc.collect()
    _clear_caches()
    info = _mallinfo()
    core = _core.counters()
    return {
        "python blocks": sys.getallocatedblocks(),
        "heap bytes": info.used + info.hblkhd,
        **{f"core {name}": number for name, number in core.items()},
    }


# --- Django ---


def sync_view(request: HttpRequest) -> HttpResponse:
    """Read and write the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse("sync")


async def async_view(request: HttpRequest) -> HttpResponse:
    """Wait for a moment."""
    await asyncio.sleep(0)
    return HttpResponse("async")


def query(request: HttpRequest) -> HttpResponse:
    """Ask the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select 1")
        return HttpResponse(str(cursor.fetchone()))


def file(request: HttpRequest) -> FileResponse:
    """Return a file."""
    return FileResponse((FOLDER / "files" / "file.txt").open("rb"))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream from a sync generator."""

    def parts() -> Iterator[bytes]:
        yield from (b"one", b"two")

    return StreamingHttpResponse(parts())


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream from an async generator."""

    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one", b"two"):
            yield part

    return StreamingHttpResponse(parts())


def upload(request: HttpRequest) -> HttpResponse:
    """Read the body."""
    return HttpResponse(str(len(request.body)))


def broken(request: HttpRequest) -> HttpResponse:
    """Raise."""
    raise ValueError("broken on purpose")


# --- Channels ---


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A room: what one says, all hear."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "text": text_data})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("room", self.channel_name)


class Unshared(Room):
    """The same, handled for each member."""

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=self.channel_name and event["text"])


class Sync(WebsocketConsumer):  # type: ignore[misc]
    """An echo in a thread."""

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.send(text_data=text_data)


class Raising(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Raises at the first message."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        raise ValueError("raised on purpose")


class Page(AsyncHttpConsumer):  # type: ignore[misc]
    """A page of a consumer."""

    async def handle(self, body: bytes) -> None:
        await self.send_response(200, b"page", headers=[(b"content-type", b"text/plain")])


# --- Without a framework ---

kept: list[bytearray] = []


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """Answer as the last part of the path says."""
    if scope["type"] == "websocket":
        return await plain_websocket(receive, send)
    name = scope["path"].rpartition("/")[2]
    if name == "count":
        return await respond(send, json.dumps(alive()).encode())
    if name == "raise":
        raise ValueError("raised on purpose")
    if name == "keep":
        kept.append(bytearray(1000))
    if name == "wait":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        return None
    body = b""
    if name == "read":
        event = await receive()
        while event["type"] == "http.request" and event["more_body"]:
            event = await receive()
        body = b"read"
    return await respond(send, body or b"hello" * 4000)


async def respond(send: Any, body: bytes) -> None:
    """Respond with this body."""
    length = str(len(body)).encode()
    headers = [(b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def plain_websocket(receive: Any, send: Any) -> None:
    """Send what one says to all on the path."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.group.add", "group": "plain"})
    while (event := await receive())["type"] == "websocket.receive":
        text = event["text"]
        await send({"type": "websocket.group.send", "group": "plain", "text": text})


urlpatterns = [
    path("sync", sync_view),
    path("async", async_view),
    path("query", query),
    path("file", file),
    path("stream", stream),
    path("async-stream", async_stream),
    path("upload", upload),
    path("broken", broken),
]

django.setup()
_django = get_asgi_application()
_web = URLRouter([path("page", Page.as_asgi())])
_channels = ProtocolTypeRouter(
    {
        "http": _django,
        "websocket": SessionMiddlewareStack(
            URLRouter(
                [
                    path("room", Room.as_asgi()),
                    path("unshared", Unshared.as_asgi()),
                    path("consumer", Sync.as_asgi()),
                    path("raising", Raising.as_asgi()),
                ]
            )
        ),
    }
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Choose between them."""
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    if scope["path"].startswith("/plain"):
        return await plain(scope, receive, send)
    which = _web if scope["path"] == "/page" else _channels
    await which(scope, receive, send)
    return None


async def lifespan(receive: Any, send: Any) -> None:
    """Start and stop."""
    for what in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{what}.complete"})
