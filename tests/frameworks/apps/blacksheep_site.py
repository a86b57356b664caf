"""The site in BlackSheep, which has no background tasks of its own: asyncio's."""

import asyncio
from collections.abc import AsyncIterator

from blacksheep import (
    Application,
    Content,
    Request,
    Response,
    StreamedContent,
    WebSocket,
    WebSocketDisconnectError,
    text,
)

application = Application()
get = application.router.get
may_finish = asyncio.Event()
finished = asyncio.Event()
words: list[str] = []
tasks: set[asyncio.Task[None]] = set()


@application.on_start
async def start(app: Application) -> None:
    words.append("started")


@application.on_stop
async def stop(app: Application) -> None:
    print("shut down", flush=True)


@get("/")
async def hello() -> Response:
    return Response(200, content=Content(b"text/plain", b"hello"))


@application.router.post("/body")
async def body(request: Request) -> Response:
    return text(str(len(await request.read() or b"")))


@get("/stream")
async def stream() -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%d\n" % number
            await asyncio.sleep(0)

    return Response(200, content=StreamedContent(b"text/plain", parts))


@get("/state")
async def state() -> Response:
    return text(words[0])


async def work() -> None:
    await may_finish.wait()
    finished.set()


@get("/background")
async def background() -> Response:
    tasks.add(asyncio.create_task(work()))
    return text("begun")


@get("/result")
async def result() -> Response:
    may_finish.set()
    await finished.wait()
    return text("finished")


@application.router.ws("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnectError as closed:
        print(f"closed with {closed.code}", flush=True)
