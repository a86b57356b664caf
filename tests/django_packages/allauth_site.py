"""A site with allauth's middleware, asked in one process; prints what came of it, as JSON.

python allauth_site.py FOLDER, with the folder for the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1] / "pyshim")]

import django  # noqa: E402
import pages  # noqa: E402
from django.conf import settings  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from packages import Allauth  # noqa: E402
from play import ask  # noqa: E402


def found(request: Any) -> HttpResponse:
    from allauth.core import context

    return HttpResponse(f"{context.request is request} {vars(request.allauth)}")


def slow(request: Any) -> HttpResponse:
    """Tell that it has begun, and wait until its client has left."""
    BEGUN[0].set()
    assert GOES_ON.wait(60)
    return HttpResponse()


async def found_async(request: Any) -> HttpResponse:
    return found(request)


def immediate(request: Any) -> HttpResponse:
    from allauth.core.exceptions import ImmediateHttpResponse

    raise ImmediateHttpResponse(HttpResponse("in the place of an error"))


def left(sender: Any, **named: Any) -> None:
    from allauth.core import context

    LEFT.append(context.request)


LEFT: list[Any] = []
BEGUN: list[Any] = []
GOES_ON = threading.Event()
TURNS = 30
"""So many turns of the loop are enough for a client's leaving to become a cancelled task."""
PATHS = ("/found/", "/found_async/", "/immediate/", "/accounts/", "/accounts/login/", "/nothing/")
pages.urlpatterns += [
    path(f"{view.__name__}/", view) for view in (found, found_async, immediate, slow)
]


def changes() -> Iterator[tuple[str, Any]]:
    """Yield what makes the middleware something else, each with how it is done."""
    from allauth.account import middleware
    from allauth.core import context

    function, manager = middleware._should_redirect_accounts, context.request_context

    def other(request: Any, response: Any) -> bool:
        return False

    yield "another function", _replaced(middleware, function.__name__, other)
    yield "another code", _replaced(function, "__code__", other.__code__)
    yield "another import", _replaced(middleware, "reverse", lambda name: "/")
    yield "another class", _replaced(middleware, "SimpleNamespace", SimpleSubclass)

    def wrapped(request: Any) -> Any:
        return manager(request)

    yield "another manager", _replaced(context, "request_context", wrapped)
    inner: Any = manager.__wrapped__  # type: ignore[attr-defined]

    def longer(request: Any) -> Iterator[None]:
        yield

    yield "another manager's code", _replaced(inner, "__code__", longer.__code__)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    own = getattr(owner, name)
    setattr(owner, name, value)
    yield
    setattr(owner, name, own)


class SimpleSubclass(SimpleNamespace):
    """One whose making could be seen."""


async def _ask_all(application: Any, trips: list[int]) -> list[Any]:
    journal = []
    for each in PATHS:
        trips.append(0)
        journal.append(await ask(application, "GET", each, []))
    return journal


async def _leave(application: Any) -> list[bool]:
    """Return whether receivers of request_finished find no request whose client has left."""
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()
    BEGUN[:] = [SimpleNamespace(set=lambda: loop.call_soon_threadsafe(begun.set))]
    GOES_ON.clear()
    tasks = set()
    before = len(LEFT)

    async def let_it_go_on() -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        GOES_ON.set()

    async def disconnect() -> Any:
        await begun.wait()
        tasks.add(asyncio.create_task(let_it_go_on()))
        return {"type": "http.disconnect"}

    assert await ask(application, "GET", "/slow/", [], disconnect) is None
    found_none = [each is None for each in LEFT[before:]]
    del LEFT[before:]
    return found_none


async def _changed(application: Any, trips: list[int], change: Any) -> list[int]:
    from casgi.django import allauth
    from casgi.origin import WatchedCode

    await ask(application, "GET", PATHS[0], [])
    counts = []
    with change:
        for _ in range(2):  # The first notices it.
            trips.append(0)
            await ask(application, "GET", PATHS[0], [])
            counts.append(trips[-1])
    allauth._known = WatchedCode(allauth._look)
    return counts


def _count_trips(trips: list[int]) -> None:
    from casgi.django.lease import Lease

    submit: Callable[..., Any] = Lease._submit

    def submitted(self: Any, call: Any) -> None:
        trips[-1] += 1
        submit(self, call)

    Lease._submit = submitted  # type: ignore[method-assign]


def main(folder: Path) -> None:
    """Print trips and answers of each path, with Django as it is and with ours."""
    logging.disable(logging.CRITICAL)
    own = pages.settings(str(folder / "database"))
    package = Allauth()
    package.configure(own, folder)
    settings.configure(**own)
    django.setup()
    from django.core import signals
    from django.core.asgi import get_asgi_application
    from django.core.management import call_command

    from casgi.django.acceleration import acceleration

    call_command("migrate", verbosity=0)
    application = package.application(get_asgi_application())
    signals.request_finished.connect(left)
    stock = asyncio.run(_ask_all(application, []))
    trips = [0]
    _count_trips(trips)
    acceleration.begin()
    asyncio.run(_ask_all(application, trips))
    del trips[1:]
    ours = asyncio.run(_ask_all(application, trips))
    counted = dict(zip(PATHS, trips[1:], strict=True))
    leaving = [asyncio.run(_leave(application))]
    after = {name: asyncio.run(_changed(application, trips, one)) for name, one in changes()}
    acceleration.end()
    leaving.append(asyncio.run(_leave(application)))
    result = {
        "leaving": leaving,
        "trips": counted,
        "changed": after,
        "left": [each is None for each in LEFT],
    }
    print(json.dumps({"stock": stock, "ours": ours, **result}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
