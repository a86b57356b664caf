"""The site in Litestar."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import WebSocketDisconnect
from litestar.response import Stream

may_finish = asyncio.Event()
finished = asyncio.Event()


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    app.state.word = "started"
    yield
    print("shut down", flush=True)


@get("/", media_type=MediaType.TEXT)
async def hello() -> str:
    return "hello"


@post("/body", media_type=MediaType.TEXT, status_code=200, request_max_body_size=None)
async def body(request: Request) -> str:
    return str(len(await request.body()))


@get("/stream")
async def stream() -> Stream:
    async def parts() -> AsyncIterator[str]:
        for number in range(100):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return Stream(parts(), media_type="text/plain")


@get("/state", media_type=MediaType.TEXT)
async def state(request: Request) -> str:
    return str(request.app.state.word)


async def work() -> None:
    await may_finish.wait()
    finished.set()


@get("/background")
async def background() -> Response[str]:
    return Response("begun", media_type=MediaType.TEXT, background=BackgroundTask(work))


@get("/result", media_type=MediaType.TEXT)
async def result() -> str:
    may_finish.set()
    await finished.wait()
    return "finished"


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect as closed:
        print(f"closed with {closed.code}", flush=True)


application = Litestar(
    route_handlers=[hello, body, stream, state, background, result, echo], lifespan=[lifespan]
)
