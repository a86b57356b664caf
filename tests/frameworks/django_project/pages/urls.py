"""The admin, an upload, and responses that come in parts."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

PARTS = 1000
PART = b"%06d\n"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<html><body>{User.objects.count()} users</body></html>")


@csrf_exempt
def upload(request: HttpRequest) -> HttpResponse:
    file = request.FILES["file"]
    size = sum(len(chunk) for chunk in file.chunks())
    return HttpResponse(f"{file.name} {size}")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        for number in range(PARTS):
            yield PART % number

    return StreamingHttpResponse(parts(), content_type="text/plain")


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(PARTS):
            yield PART % number
            await asyncio.sleep(0)

    return StreamingHttpResponse(parts(), content_type="text/plain")


gate = threading.Event()


async def stream_gated(request: HttpRequest) -> StreamingHttpResponse:
    """Send the second part only after another request has opened the gate."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"first\n"
        await asyncio.to_thread(gate.wait, 20)
        yield b"second\n"

    return StreamingHttpResponse(parts(), content_type="text/plain")


def open_gate(request: HttpRequest) -> HttpResponse:
    gate.set()
    return HttpResponse("open")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("as it was asked to")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("page/", page),
    path("upload/", upload),
    path("stream/", stream),
    path("stream/async/", stream_async),
    path("stream/gated/", stream_gated),
    path("gate/", open_gate),
    path("fail/", fail),
]
if "debug_toolbar" in settings.PARTS:
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns += debug_toolbar_urls()
