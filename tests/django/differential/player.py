"""Runs a program's requests through Django's handler, and returns all that can be told of them."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from differential import cookies, site
from differential.cookies import Jar
from differential.journal import Journal
from differential.program import Program
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings
from django.urls import clear_url_caches
from request_scope import SCOPE

drops_the_rest = False
"""Whether the rest of a response goes to nobody when the client leaves behind its head, as in
casgi's core; else it is told when a handler sends it all the same."""


class _Handler(ASGIHandler):
    """Django's, with the files that it leaves open when a request is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[Any] = []

    async def read_body(self, receive: Any) -> Any:
        self.files.append(await super().read_body(receive))
        return self.files[-1]


def play(program: Program) -> list[list[str]]:
    """Return the journals of a program's requests."""
    own = {
        "MIDDLEWARE": site.build(program),
        "ROOT_URLCONF": site.__name__,
        "ALLOWED_HOSTS": ["*"],
        "DEBUG": program.debug,
        "LOGGING_CONFIG": None,
        **cookies.SETTINGS,
    }
    with override_settings(**own), site.receiving(program), cookies.known_values(program.seed):
        clear_url_caches()
        journals = asyncio.run(_play(program))
    while site.unawaited:
        site.unawaited.pop().close()
    return journals


async def _play(program: Program) -> list[list[str]]:
    handler = _Handler()
    scope = {**SCOPE, "query_string": program.query}
    if program.converter:
        scope |= {"path": "/7/", "raw_path": b"/7/"}
    if program.body:
        scope |= {"method": "POST"}
    pieces = program.body or [b""]
    jar = Jar(program.cookies.sent if program.cookies is not None else [])
    journals = [await _request(handler, scope, each, pieces, jar) for each in program.leaves_at]
    for file in handler.files:
        file.close()
    return journals


async def _request(
    handler: _Handler,
    scope: dict[str, Any],
    leaves_at: str | None,
    pieces: list[bytes],
    jar: Jar,
) -> list[str]:
    journal = Journal(leaves_at)
    events = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    events[-1]["more_body"] = False

    scope = {**scope, "headers": [*scope["headers"], *jar.headers()]}
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if not events:
            return await journal.receive_disconnect()
        await journal.note_in_loop("body")
        return events.pop(0) if not journal.is_left else await journal.receive_disconnect()

    async def send(message: dict[str, Any]) -> None:
        # The pages for developers show the frames between the parts, which are others.
        statuses.append(message.get("status", 0))
        if settings.DEBUG and statuses[0] >= 400 and len(statuses) > 1:
            return
        if drops_the_rest and journal.is_left and message["type"] == "http.response.body":
            return
        jar.take(message.get("headers", []))
        headers = [h for h in message.get("headers", []) if h[0] != b"Content-Length"]
        body = message.get("body", b"")
        await journal.note_in_loop(f"{message['type']} {message.get('status')} {headers} {body!r}")

    def request() -> asyncio.Task[None]:
        site.current.set(journal)
        return asyncio.create_task(handler(dict(scope), receive, send))

    with journal:
        task = contextvars.Context().run(request)
        await asyncio.wait([task], timeout=20)
        if not task.done():
            journal.lines.append("does not end")
            task.cancel()
        elif task.cancelled():
            journal.lines.append("cancelled")
        elif task.exception() is not None:
            journal.lines.append(f"raised {task.exception()!r}")
    return journal.lines
