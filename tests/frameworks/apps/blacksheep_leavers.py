"""BlackSheep, whose streams ask whether their client is there, for clients that leave."""

import asyncio
from collections.abc import AsyncIterator

from blacksheep import Application, Request, Response, StreamedContent, text
from blacksheep.contents import ServerSentEvent
from blacksheep.server.sse import ServerSentEventsResponse
from leaver_routes import gate, large_parts, say, tell, wait_for_gate

site = Application()
get = site.router.get


@get("/wait")
async def wait() -> Response:
    await wait_for_gate()
    return text("late")


@get("/gate")
async def open_gate() -> Response:
    gate.set()
    return text("open")


@get("/busy")
async def busy(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        while not await request.is_disconnected():
            yield b"part\n"
            await asyncio.sleep(0)
        say("stream ended")

    return Response(200, content=StreamedContent(b"text/plain", parts))


@get("/busy-events")
async def busy_events(request: Request) -> Response:
    async def events() -> AsyncIterator[ServerSentEvent]:
        while not await request.is_disconnected():
            yield ServerSentEvent("part")
            await asyncio.sleep(0)
        say("stream ended")

    return ServerSentEventsResponse(events)


@get("/download")
async def download() -> Response:
    return Response(200, content=StreamedContent(b"text/plain", large_parts))


@get("/listen")
async def listen(request: Request) -> Response:
    say("waiting")
    while not await request.is_disconnected():
        await asyncio.sleep(0)
    return text("late")


@site.router.post("/upload")
async def upload(request: Request) -> Response:
    async for part in request.stream():
        if part:
            say("waiting")
    return text("late")


@site.exception_handler(Exception)
async def on_exception(app: Application, request: Request, exception: Exception) -> Response:
    say("exception handler")
    return text("failed", 500)


application = tell(site)
