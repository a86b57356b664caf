"""FastAPI for clients that leave."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Request, UploadFile
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from leaver_routes import (
    MEGABYTES,
    busy_parts,
    gate,
    idle_parts,
    large_parts,
    say,
    say_background,
    tell,
    wait_for_gate,
)
from starlette.background import BackgroundTask

site = FastAPI(default_response_class=PlainTextResponse)


async def resource() -> AsyncIterator[str]:
    """A dependency that is to be given back."""
    try:
        yield "resource"
    finally:
        say("resource returned")


Resource = Annotated[str, Depends(resource)]


@site.get("/wait")
async def wait(tasks: BackgroundTasks, held: Resource) -> str:
    tasks.add_task(say_background)
    await wait_for_gate()
    return "late"


@site.get("/gate")
async def open_gate() -> str:
    gate.set()
    return "open"


@site.get("/idle")
async def idle(held: Resource) -> StreamingResponse:
    return StreamingResponse(idle_parts(), background=BackgroundTask(say_background))


@site.get("/busy")
async def busy(held: Resource) -> StreamingResponse:
    return StreamingResponse(busy_parts(), background=BackgroundTask(say_background))


@site.get("/download")
async def download(held: Resource) -> StreamingResponse:
    return StreamingResponse(large_parts(), background=BackgroundTask(say_background))


@site.get("/sync-download")
def sync_download() -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        for _ in range(MEGABYTES):
            yield bytes(1024 * 1024)

    return StreamingResponse(parts(), background=BackgroundTask(say_background))


@site.get("/listen")
async def listen(request: Request, held: Resource) -> str:
    say("waiting")
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return "late"


@site.post("/upload")
async def upload(file: UploadFile) -> str:
    say("upload complete")
    return "late"


@site.exception_handler(Exception)
async def on_exception(request: Request, exception: Exception) -> Response:
    say("exception handler")
    return PlainTextResponse("failed", status_code=500)


application = tell(site)
