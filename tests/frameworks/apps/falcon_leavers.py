"""Falcon, which listens for the end of event streams only, for clients that leave."""

from collections.abc import AsyncIterator
from typing import Any

import falcon
from falcon.asgi import App, Request, Response, SSEvent
from leaver_routes import (
    busy_parts,
    gate,
    large_parts,
    say,
    say_background,
    tell,
    wait_for_gate,
)


class Wait:
    async def on_get(self, request: Request, response: Response) -> None:
        response.schedule(say_background)
        await wait_for_gate()
        response.text = "late"


class Gate:
    async def on_get(self, request: Request, response: Response) -> None:
        gate.set()
        response.text = "open"


class BusyEvents:
    async def on_get(self, request: Request, response: Response) -> None:
        async def events() -> AsyncIterator[SSEvent]:
            async for part in busy_parts():
                yield SSEvent(data=part)

        response.sse = events()


class Download:
    async def on_get(self, request: Request, response: Response) -> None:
        response.schedule(say_background)
        response.stream = large_parts()


class Upload:
    async def on_post(self, request: Request, response: Response) -> None:
        response.schedule(say_background)
        async for part in request.stream:
            if part:
                say("waiting")
        response.text = "late"


async def on_exception(request: Any, response: Any, exception: Exception, params: Any) -> None:
    say("exception handler")
    response.status = falcon.HTTP_500


site = App(media_type=falcon.MEDIA_TEXT)
site.add_error_handler(Exception, on_exception)
site.add_route("/wait", Wait())
site.add_route("/gate", Gate())
site.add_route("/busy-events", BusyEvents())
site.add_route("/download", Download())
site.add_route("/upload", Upload())
application = tell(site)
