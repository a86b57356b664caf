"""What a static file passes by of Django is known, and called when somebody has put it there."""

from __future__ import annotations

import functools
import gc
import inspect
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType
from typing import Any

import pytest
from support.server import LiveServer, Serve
from test_static_handler import (
    answered,
    ask,
    handler,
    in_place,
    site,
)

from casgi.django.releases import unsupported_static_files
from casgi.django.static_code import passed_by

__all__ = ["answered", "site"]
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
Name = tuple[str, str]
URL = "/static/page.css"


def title(function: Any) -> Name:
    return function.__module__, function.__qualname__


def functions() -> dict[Name, tuple[Any, str]]:
    """Return where all functions are that are passed by, and so looked at."""
    found: dict[Name, tuple[Any, str]] = {}
    for owner, name in passed_by().places():
        function = function_of(vars(owner).get(name))
        if function is not None and function.__name__ == name:
            found[title(function)] = owner, name
    return found


def function_of(raw: Any) -> FunctionType | None:
    function = getattr(raw, "__func__", getattr(raw, "fget", getattr(raw, "func", raw)))
    return function if isinstance(function, FunctionType) else None


def called(server: LiveServer) -> set[Name]:
    """Return which functions of Django are called for a static file, in all threads."""
    seen: set[Name] = set()

    def note(frame: Any, event: str, _: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("django."):
            seen.add((module, frame.f_code.co_qualname.partition(".<locals>")[0]))

    def profile(function: Any) -> None:
        threading.setprofile(function)
        server.call(lambda: sys.setprofile(function))
        server.call(lambda: server.loop.set_default_executor(ThreadPoolExecutor(1)))

    gc.collect()  # else the end of what other tests have left may be seen: receivers of signals
    gc.disable()
    profile(note)
    try:
        assert ask(server, URL).status == 200
        server.wait_idle()
    finally:
        profile(None)
        gc.enable()
    return seen


def test_all_of_it_is_known(serve: Serve, answered: list[int]) -> None:
    server = serve(handler())
    ask(server, URL)  # What is done once only.
    by_django = called(server)
    with in_place():
        ask(server, URL)
        by_us = called(server)
    assert answered == [200, 200]
    assert len(by_django - by_us) > 40
    assert by_django - by_us - functions().keys() == set()


@pytest.fixture(params=["wrapped", "code"])
def changed(request: pytest.FixtureRequest) -> Any:
    """What changes a function, and returns what undoes that."""
    return {"wrapped": wrap, "code": assign_code}[request.param]


def wrap(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    raw = vars(owner)[name]
    match raw:
        case classmethod() | staticmethod():
            new: Any = type(raw)(wrapper(raw.__func__))
        case property():
            new = property(wrapper(raw.fget), raw.fset, raw.fdel)
        case FunctionType():
            new = wrapper(raw)
        case _:
            new = type(raw)(wrapper(raw.func))
            new.__set_name__(owner, name)
    patch.setattr(owner, name, new)


def wrapper(function: Any) -> Any:
    async def waiting(*args: Any, **named: Any) -> Any:
        return await function(*args, **named)

    def plain(*args: Any, **named: Any) -> Any:
        return function(*args, **named)

    return functools.wraps(function)(waiting if inspect.iscoroutinefunction(function) else plain)


def assign_code(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    function = function_of(vars(owner)[name])
    assert function is not None
    patch.setattr(function, "__code__", function.__code__.replace(co_name="other"))


@pytest.fixture
def places() -> Iterator[list[tuple[Name, Any, str]]]:
    found = [(name, *place) for name, place in functions().items()]
    assert len(found) > 100
    yield found
    assert unsupported_static_files() is None


def test_what_was_there_before(places: Any, changed: Any) -> None:
    for name, owner, attribute in places:
        with pytest.MonkeyPatch.context() as patch:
            changed(patch, owner, attribute)
            assert unsupported_static_files() is not None, name


def test_what_comes_later(serve: Serve, answered: list[int], places: Any, changed: Any) -> None:
    server = serve(handler())
    for name, owner, attribute in places:
        with in_place(), pytest.MonkeyPatch.context() as patch:
            changed(patch, owner, attribute)
            ask(server, URL)
        assert not answered, name
