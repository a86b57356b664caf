"""The site in Quart."""

import asyncio
from collections.abc import AsyncIterator

from quart import Quart, request, websocket

application = Quart(__name__)
may_finish = asyncio.Event()
finished = asyncio.Event()
words: list[str] = []


@application.before_serving
async def start() -> None:
    words.append("started")


@application.after_serving
async def stop() -> None:
    print("shut down", flush=True)


@application.get("/")
async def hello() -> str:
    return "hello"


@application.post("/body")
async def body() -> str:
    return str(len(await request.get_data()))


@application.get("/stream")
async def stream() -> AsyncIterator[str]:
    async def parts() -> AsyncIterator[str]:
        for number in range(100):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return parts()


@application.get("/state")
async def state() -> str:
    return words[0]


async def work() -> None:
    await may_finish.wait()
    finished.set()


@application.get("/background")
async def background() -> str:
    application.add_background_task(work)
    return "begun"


@application.get("/result")
async def result() -> str:
    may_finish.set()
    await finished.wait()
    return "finished"


@application.websocket("/echo")
async def echo() -> None:
    try:
        while True:
            await websocket.send(await websocket.receive())
    except asyncio.CancelledError:
        print("closed with cancellation", flush=True)
        raise
