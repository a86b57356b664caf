"""The site in Starlette."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

may_finish = asyncio.Event()
finished = asyncio.Event()


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
    yield {"word": "started"}
    print("shut down", flush=True)


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def stream(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        for number in range(100):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/plain")


async def state(request: Request) -> Response:
    return PlainTextResponse(request.state.word)


async def work() -> None:
    await may_finish.wait()
    finished.set()


async def background(request: Request) -> Response:
    return PlainTextResponse("begun", background=BackgroundTask(work))


async def result(request: Request) -> Response:
    may_finish.set()
    await finished.wait()
    return PlainTextResponse("finished")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect as closed:
        print(f"closed with {closed.code}", flush=True)


application = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/", hello),
        Route("/body", body, methods=["POST"]),
        Route("/stream", stream),
        Route("/state", state),
        Route("/background", background),
        Route("/result", result),
        WebSocketRoute("/echo", echo),
    ],
)
