"""Requests that are over with their first trip: no tasks are made for them, all else is as ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from asgiref.local import Local
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.urls import path
from request_scope import SCOPE
from seams import site_in_place

from casgi.django import early_close, first_trip, request_kinds
from casgi.django.thread_pool import ThreadPool

pytestmark = pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django before 5.0 makes no tasks for a request"
)
local = Local()
views: dict[str, Callable[[Any], Any]] = {}
urlpatterns = [path("", lambda request: views["sync"](request)), path("async/", lambda r: None)]


async def _async_view(request: Any) -> HttpResponse:
    return HttpResponse(f"{local.name} in a task: {asyncio.current_task() in before_view}")


before_view: list[Any] = []
urlpatterns[1] = path("async/", _async_view)


@pytest.fixture(autouse=True)
def site(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A site with ours in place, for which any receive() and send() are casgi's own."""
    monkeypatch.setattr(early_close, "_is_own", lambda send: True)
    for module in (first_trip, request_kinds):
        monkeypatch.setattr(module, "is_watchable", lambda receive: True)
    with site_in_place(__name__):
        yield
    views.clear()
    before_view.clear()


class Client:
    """One request, and what was sent to it."""

    def __init__(self, kind: Any = ASGIHandler, url: str = "/") -> None:
        self.sent: list[Any] = []
        self.leaves = asyncio.Event()
        self._handler = kind()
        self._scope = {**SCOPE, "path": url, "raw_path": url.encode()}
        self._has_body = True

    async def receive(self) -> Any:
        if self._has_body:
            self._has_body = False
            return {"type": "http.request", "body": b""}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def ask(self) -> list[Any]:
        async with asyncio.timeout(30):
            await self._handler(dict(self._scope), self.receive, self.send)
        return self.sent


def _tasks() -> int:
    return len(asyncio.all_tasks())


async def test_no_tasks() -> None:
    loop = asyncio.get_running_loop()

    def count(request: Any) -> HttpResponse:
        counted = asyncio.run_coroutine_threadsafe(_count(), loop).result(30)
        return HttpResponse(str(counted), headers={"X-Own": "é"})

    async def _count() -> int:
        return _tasks() - 1  # its own

    views["sync"] = count
    before = _tasks()
    await Client().ask()  # The first looks at the URLs.
    head, body = await Client().ask()
    assert int(body["body"]) == before
    assert (b"X-Own", "é".encode("latin1")) in head["headers"]
    assert body["more_body"] is False


@pytest.mark.parametrize(
    "make",
    [
        lambda: HttpResponse(b""),
        lambda: HttpResponse(b"x" * 65_536),
        lambda: HttpResponse(b"x" * 200_000, status=201),
        lambda: HttpResponse("ä", charset="latin1", headers={"One": "1", "one-more": "2"}),
        lambda: _with_cookie(HttpResponse("cookie")),
    ],
    ids=["empty", "one part", "parts", "headers", "cookie"],
)
async def test_same_messages(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], HttpResponse]
) -> None:
    views["sync"] = lambda request: make()
    await Client().ask()
    ours = await Client().ask()
    monkeypatch.setattr(first_trip, "is_watchable", lambda receive: False)
    assert ours == await Client().ask()


def _with_cookie(response: HttpResponse) -> HttpResponse:
    # Without an end Django takes the time, which the next response may have a second later.
    end = "Thu, 01 Jan 2099 00:00:00 GMT"
    response.set_cookie("name", "value", max_age=60, expires=end, samesite="Lax")
    return response


async def test_items_that_were_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the headers in another way is asked for them."""
    views["sync"] = lambda request: HttpResponse()
    await Client().ask()
    monkeypatch.setattr(HttpResponse, "items", lambda self: [("X-Own", "own")], raising=False)
    assert (await Client().ask())[0]["headers"] == [(b"X-Own", b"own")]


async def test_client_that_leaves() -> None:
    """What runs goes on to its end; nothing is sent, and the handler ends."""
    begun, goes_on = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait(request: Any) -> HttpResponse:
        loop.call_soon_threadsafe(client.leaves.set)
        begun.set()
        assert goes_on.wait(30)
        return HttpResponse()

    views["sync"] = lambda request: HttpResponse()
    await Client().ask()
    views["sync"] = wait
    client = Client()
    task = asyncio.create_task(client.ask())
    await asyncio.to_thread(begun.wait, 30)
    await asyncio.wait_for(client.leaves.wait(), 30)
    goes_on.set()
    assert await task == []


@pytest.mark.parametrize("is_watched", [True, False])
async def test_client_that_has_left_before(
    monkeypatch: pytest.MonkeyPatch, is_watched: bool
) -> None:
    """However soon there is an answer, it is not sent, and the request is over."""
    for module in (first_trip, request_kinds):
        monkeypatch.setattr(module, "is_watchable", lambda receive: is_watched)
    views["sync"] = lambda request: HttpResponse()
    for _ in range(50):
        client = Client()
        client.leaves.set()
        assert await client.ask() == []


async def test_client_that_leaves_while_the_answer_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loop hears of both in one turn, and who listens is heard first."""

    class Leaving(Client):
        async def receive(self) -> Any:
            if self._has_body:
                return await super().receive()
            await asyncio.sleep(0)
            over.wait(0.05)  # The view's trip, meanwhile.
            return {"type": "http.disconnect"}

    for module in (first_trip, request_kinds):
        monkeypatch.setattr(module, "is_watchable", lambda receive: False)
    views["sync"] = lambda request: HttpResponse()
    over = threading.Event()  # which nobody sets
    for _ in range(10):
        assert await Leaving().ask() == []


async def test_handler_that_watches_in_its_own_way() -> None:
    watched = []

    class Handler(ASGIHandler):
        async def listen_for_disconnect(self, receive: Any) -> None:
            watched.append(receive)
            await super().listen_for_disconnect(receive)

    views["sync"] = lambda request: HttpResponse()
    assert (await Client(Handler).ask())[0]["status"] == 200
    assert len(watched) == 1


async def test_what_goes_on_in_the_loop() -> None:
    """An async view has Local's data of the trip before it, and a task of its own as ever."""

    class Handler(ASGIHandler):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            local.name = "set outside"
            before_view.append(asyncio.current_task())
            await super().__call__(scope, receive, send)

    await Client(Handler, "/async/").ask()
    body = (await Client(Handler, "/async/").ask())[1]["body"].decode()
    assert body == f"set outside in a task: {django.VERSION >= (6, 1)}"


async def test_task_that_is_cancelled_behind_its_beginning() -> None:
    """As in Django: what has begun to answer goes on, in 5.0 to 6.0, and nothing is closed."""
    begun, goes_on = threading.Event(), threading.Event()

    def wait(request: Any) -> HttpResponse:
        begun.set()
        assert goes_on.wait(30)
        return HttpResponse("late")

    views["sync"] = lambda request: HttpResponse()
    await Client().ask()
    views["sync"] = wait
    client = Client()
    task = asyncio.create_task(client.ask())
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, goes_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if django.VERSION >= (6, 1):
        assert not others and not client.sent
        return
    client.leaves.set()
    await asyncio.wait(others, timeout=30)
    assert b"".join(one.get("body", b"") for one in client.sent) == b"late"


async def test_view_that_is_cancelled_by_itself() -> None:
    """CancelledError is what the trip has come to: nothing goes on behind it."""
    calls = []

    def cancelled(request: Any) -> HttpResponse:
        calls.append(request)
        raise asyncio.CancelledError

    views["sync"] = lambda request: HttpResponse()
    await Client().ask()
    views["sync"] = cancelled
    client = Client()
    with pytest.raises(asyncio.CancelledError):
        await client.ask()
    assert (len(calls), client.sent) == (1, [])
    assert asyncio.all_tasks() == {asyncio.current_task()}
