"""The site in FastAPI."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse, StreamingResponse

may_finish = asyncio.Event()
finished = asyncio.Event()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"word": "started"}
    print("shut down", flush=True)


application = FastAPI(lifespan=lifespan, default_response_class=PlainTextResponse)


@application.get("/")
def hello() -> str:
    """A sync function: FastAPI runs it in a thread."""
    return "hello"


@application.post("/body")
async def body(request: Request) -> str:
    return str(len(await request.body()))


@application.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        for number in range(100):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/plain")


@application.get("/state")
async def state(request: Request) -> str:
    return str(request.state.word)


async def work() -> None:
    await may_finish.wait()
    finished.set()


@application.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(work)
    return "begun"


@application.get("/result")
async def result() -> str:
    may_finish.set()
    await finished.wait()
    return "finished"


@application.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect as closed:
        print(f"closed with {closed.code}", flush=True)
