"""The site in Falcon."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import falcon
from falcon.asgi import App, Request, Response, WebSocket

may_finish = asyncio.Event()
finished = asyncio.Event()
words: list[str] = []


class Lifespan:
    async def process_startup(self, scope: Any, event: Any) -> None:
        words.append("started")

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        print("shut down", flush=True)


class Hello:
    async def on_get(self, request: Request, response: Response) -> None:
        response.text = "hello"


class Body:
    async def on_post(self, request: Request, response: Response) -> None:
        response.text = str(len(await request.bounded_stream.read()))


class Stream:
    async def on_get(self, request: Request, response: Response) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(100):
                yield b"%d\n" % number
                await asyncio.sleep(0)

        response.stream = parts()


class State:
    async def on_get(self, request: Request, response: Response) -> None:
        response.text = words[0]


async def work() -> None:
    await may_finish.wait()
    finished.set()


class Background:
    async def on_get(self, request: Request, response: Response) -> None:
        response.text = "begun"
        response.schedule(work)


class Result:
    async def on_get(self, request: Request, response: Response) -> None:
        may_finish.set()
        await finished.wait()
        response.text = "finished"


class Echo:
    async def on_websocket(self, request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except falcon.WebSocketDisconnected as closed:
            print(f"closed with {closed.code}", flush=True)


application = App(middleware=[Lifespan()], media_type=falcon.MEDIA_TEXT)
application.add_route("/", Hello())
application.add_route("/body", Body())
application.add_route("/stream", Stream())
application.add_route("/state", State())
application.add_route("/background", Background())
application.add_route("/result", Result())
application.add_route("/echo", Echo())
