"""A raw ASGI application that puts into its scope what a framework would, well or badly."""

import asyncio
from types import SimpleNamespace


class Failing:
    @property
    def path(self):
        raise RuntimeError("of the test")


ROUTES = {
    "/template": {"path_template": "/{template}"},
    "/both": {"path_template": "/{template}", "route": SimpleNamespace(path="/{other}")},
    "/route": {"route": SimpleNamespace(path="/{route}")},
    "/number": {"path_template": 7},
    "/empty": {"route": SimpleNamespace(path="")},
    "/pathless": {"route": object()},
    "/failing": {"route": Failing()},
    "/surrogate": {"path_template": "/\udc80"},
    "/raising": {"path_template": "/{raising}"},
    "/waiting": {"path_template": "/{waiting}"},
}


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    scope.update(ROUTES.get(scope["path"], {}))
    if scope["path"] == "/raising":
        raise RuntimeError("of the test")
    body = b"raw"
    if scope["path"] == "/self":
        timers = asyncio.get_running_loop()._scheduled
        body = f"{asyncio.current_task().get_coro().__qualname__} {len(timers)}".encode()
    await send({"type": "http.response.start", "status": 200})
    if scope["path"] == "/waiting":
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.body", "body": body})
