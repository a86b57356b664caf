"""Starlette, and sse-starlette, for clients that leave."""

from typing import Any

from leaver_routes import (
    busy_parts,
    gate,
    idle_parts,
    large_file,
    large_parts,
    say,
    say_background,
    tell,
    wait_for_gate,
)
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

LARGE_FILE = large_file()
background = BackgroundTask(say_background)


async def wait(request: Request) -> Response:
    await wait_for_gate()
    return PlainTextResponse("late", background=background)


async def open_gate(request: Request) -> Response:
    gate.set()
    return PlainTextResponse("open")


async def idle(request: Request) -> Response:
    return StreamingResponse(idle_parts(), background=background)


async def busy(request: Request) -> Response:
    return StreamingResponse(busy_parts(), background=background)


async def download(request: Request) -> Response:
    return StreamingResponse(large_parts(), background=background)


async def file(request: Request) -> Response:
    return FileResponse(LARGE_FILE, background=background)


async def listen(request: Request) -> Response:
    say("waiting")
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return PlainTextResponse("late", background=background)


async def upload(request: Request) -> Response:
    try:
        async for part in request.stream():
            if part:
                say("waiting")
    except ClientDisconnect:
        say("upload aborted")
    return PlainTextResponse("late", background=background)


async def say_close(message: Any) -> None:
    say(f"told {message['type']}")


async def idle_events(request: Request) -> Response:
    parts = idle_parts()
    return EventSourceResponse(
        parts, background=background, client_close_handler_callable=say_close
    )


async def busy_events(request: Request) -> Response:
    parts = busy_parts()
    return EventSourceResponse(
        parts, background=background, client_close_handler_callable=say_close
    )


async def on_exception(request: Request, exception: Exception) -> Response:
    say("exception handler")
    return PlainTextResponse("failed", status_code=500)


class PassOn(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        return await call_next(request)


routes = [
    Route("/wait", wait),
    Route("/gate", open_gate),
    Route("/idle", idle),
    Route("/busy", busy),
    Route("/download", download),
    Route("/file", file),
    Route("/listen", listen),
    Route("/upload", upload, methods=["POST"]),
    Route("/idle-events", idle_events),
    Route("/busy-events", busy_events),
]
application = tell(
    Starlette(
        routes=[*routes, Mount("/within", routes=routes, middleware=[Middleware(PassOn)])],
        exception_handlers={Exception: on_exception},
    )
)
