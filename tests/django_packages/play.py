"""Plays the same requests with Django as it is and with ours; prints what differs, as JSON.

python play.py PACKAGE FOLDER, with the folder for the database and files.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import django
from django.conf import settings

FOLDER = Path(__file__).parent
HOST = (b"host", b"testserver")
ORIGIN = (b"origin", b"https://example.com")
REQUESTS: list[tuple[str, str, list[tuple[bytes, bytes]]]] = [
    *[("GET", f"/{name}/", []) for name in ("hello", "users", "late", "visits", "stream")],
    *[("GET", f"/{name}/", []) for name in ("hello_async", "users_async", "stream_async")],
    *[("GET", f"/{name}/", []) for name in ("fail", "missing", "denied", "fail_async")],
    ("GET", "/hello", []),  # which is redirected
    ("POST", "/hello/", []),  # without the token against CSRF
    ("GET", "/hello/", [ORIGIN]),
    ("OPTIONS", "/hello/", [ORIGIN, (b"access-control-request-method", b"PUT")]),
    ("GET", "/static/hello.txt", []),
    ("GET", "/accounts/", []),
    ("GET", "/accounts/login/", []),
]
_RANDOM = re.compile(
    rb"csrfmiddlewaretoken[^>]*|sessionid=\w+|csrftoken=\w+|[0-9.]+ ?ms|[0-9a-f]{32}|0x[0-9a-f]+"
)
# Pages for developers show frames, and the toolbar what it has measured.
_MEASURED = (b"Traceback", b"djDebug")


async def ask(
    application: Any,
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    disconnect: Callable[[], Awaitable[Any]] | None = None,
) -> Any:
    """Return status, headers and body; None if there was no answer."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"a=1",
        "root_path": "",
        "headers": [HOST, *headers],
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 1),
    }
    messages = [{"type": "http.request", "body": b"x=1" if method == "POST" else b""}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        if disconnect is not None:
            return await disconnect()
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(60):
        await application(scope, receive, send)
    if not sent:
        return None
    body = _RANDOM.sub(b"", b"".join(message.get("body", b"") for message in sent))
    if any(word in body for word in _MEASURED):
        body = b"measured"
    names = [[_text(name), _text(value)] for name, value in sent[0]["headers"]]
    volatile = ("content-length", "server-timing", "expires", "last-modified", "djdt-request-id")
    kept = [pair for pair in names if pair[0].lower() not in volatile]
    return sent[0]["status"], kept, body.decode(errors="replace")


def _text(value: bytes) -> str:
    return re.sub(rb"expires=[^;]*", b"", _RANDOM.sub(b"", value)).decode()


async def _play(application: Any, package: Any) -> list[Any]:
    journal = []
    for method, path, headers in REQUESTS:
        answer = await ask(application, method, path, headers)
        await asyncio.sleep(0)
        journal.append([f"{method} {path}", *answer, package.reports()])
    return journal


def main(name: str, folder: Path) -> None:
    """Print the start line, what differs, and how many short ways and trips there were."""
    sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1] / "pyshim")]
    import pages
    from packages import PACKAGES

    package = PACKAGES[name][1]()
    logging.disable(logging.CRITICAL)
    own = pages.settings(str(folder / "database"))
    package.configure(own, folder)
    settings.configure(**own)
    package.start()
    django.setup()
    from django.core.asgi import get_asgi_application
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    application = package.application(get_asgi_application())
    asyncio.run(_play(application, package))  # What is done at first requests only.
    stock = asyncio.run(_play(application, package))

    from casgi.django.acceleration import acceleration
    from casgi.django.lease import Lease
    from casgi.django.request import Request

    short = 0
    trips = [0]
    answer = Request.answer
    submit = Lease._submit

    async def counted(self: Any, *args: Any) -> None:
        nonlocal short
        short += 1
        trips.append(0)
        await answer(self, *args)

    def submitted(self: Any, call: Any) -> None:
        trips[-1] += 1
        submit(self, call)

    Request.answer = counted  # type: ignore[method-assign]
    Lease._submit = submitted  # type: ignore[method-assign]
    line = acceleration.begin()
    reasons = acceleration.reasons()
    asyncio.run(_play(application, package))
    short, trips = 0, [0]
    ours = asyncio.run(_play(application, package))
    acceleration.end()
    again = asyncio.run(_play(application, package))
    found = [
        [one[0], there, here]
        for one, other in zip(stock, ours, strict=True)
        for there, here in zip(one, other, strict=True)
        if there != here
    ]
    reported = sum(len(entry[-1]) for entry in stock)
    print(
        json.dumps(
            {
                "line": line,
                "reasons": reasons,
                "different": found,
                "is_left_as_it_was": stock == again,
                "requests": len(ours),
                "short": short,
                "trips": trips[1:2],  # of the first request, for "hello"
                "reports": reported,
                "statuses": [entry[1] for entry in ours],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
