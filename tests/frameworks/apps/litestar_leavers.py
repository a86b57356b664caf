"""Litestar for clients that leave."""

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
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.response import File, ServerSentEvent, Stream

LARGE_FILE = large_file()


@get("/wait")
async def wait() -> Response[str]:
    await wait_for_gate()
    return Response("late", media_type=MediaType.TEXT, background=BackgroundTask(say_background))


@get("/gate", media_type=MediaType.TEXT)
async def open_gate() -> str:
    gate.set()
    return "open"


@get("/idle")
async def idle() -> Stream:
    return Stream(idle_parts(), background=BackgroundTask(say_background))


@get("/busy")
async def busy() -> Stream:
    return Stream(busy_parts(), background=BackgroundTask(say_background))


@get("/idle-events")
async def idle_events() -> ServerSentEvent:
    return ServerSentEvent(idle_parts())


@get("/download")
async def download() -> Stream:
    return Stream(large_parts(), background=BackgroundTask(say_background))


@get("/file")
async def file() -> File:
    return File(LARGE_FILE, background=BackgroundTask(say_background))


@get("/listen")
async def listen(request: Request) -> Response[str]:
    say("waiting")
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response("late", media_type=MediaType.TEXT, background=BackgroundTask(say_background))


@post("/upload", request_max_body_size=None)
async def upload(request: Request) -> None:
    async for part in request.stream():
        if part:
            say("waiting")


def on_exception(request: Request, exception: Exception) -> Response[str]:
    say("exception handler")
    return Response("failed", status_code=500, media_type=MediaType.TEXT)


application = tell(
    Litestar(
        [wait, open_gate, idle, busy, idle_events, download, file, listen, upload],
        exception_handlers={Exception: on_exception},
    )
)
