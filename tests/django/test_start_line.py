"""What decides whether Django is accelerated, and what the log says of it."""

from __future__ import annotations

import logging
import sys
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import asgiref.sync
import django
import django.contrib.staticfiles.handlers
import django.core.handlers.asgi
import pytest
from asgiref.sync import AsyncToSync, ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.utils.deprecation import MiddlewareMixin

from casgi.config import Config
from casgi.django import leased_thread, releases
from casgi.origin import fingerprint
from casgi.server import Server

LEASED = f"Django {django.__version__} accelerated: threads are leased"
SHORT = f"{LEASED}; trips are short; files are sent in C; static files without a trip"
TOGETHER = f"{SHORT}; middleware runs together; requests begin with it"


async def _application(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


async def _lines(caplog: pytest.LogCaptureFixture, **options: Any) -> list[str]:
    """Start and stop a server; return what it says of Django."""
    enter = vars(ThreadSensitiveContext)["__aenter__"]
    caplog.clear()
    with caplog.at_level(logging.INFO, "casgi.server"):
        async with Server(_application, Config(port=0, lifespan="off", **options)):
            is_replaced = vars(ThreadSensitiveContext)["__aenter__"] is not enter
    assert vars(ThreadSensitiveContext)["__aenter__"] is enter
    lines = [line for line in caplog.messages if line.startswith("Django")]
    assert is_replaced == any(line.startswith(LEASED) for line in lines)
    return lines


async def test_accelerated(caplog: pytest.LogCaptureFixture) -> None:
    assert await _lines(caplog) == [TOGETHER]


async def test_two_servers(caplog: pytest.LogCaptureFixture) -> None:
    """What is in place stays until the last of them stops."""
    async with Server(_application, Config(port=0, lifespan="off")):
        ours = vars(ThreadSensitiveContext)["__aenter__"]
        async with Server(_application, Config(port=0, lifespan="off")):
            assert vars(ThreadSensitiveContext)["__aenter__"] is ours
        assert vars(ThreadSensitiveContext)["__aenter__"] is ours
    assert vars(ThreadSensitiveContext)["__aenter__"] is not ours


async def test_turned_off(caplog: pytest.LogCaptureFixture) -> None:
    assert await _lines(caplog, accelerate=False) == ["Django as it is: --no-accelerate"]


async def test_without_django(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("django.core.handlers.asgi", "channels.consumer"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    assert await _lines(caplog) == []


async def test_django_before_asgi(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Channels 3 runs on Django 2.2."""
    monkeypatch.setitem(sys.modules, "django.core.handlers.asgi", None)
    monkeypatch.setitem(sys.modules, "channels.consumer", ModuleType("channels.consumer"))
    assert await _lines(caplog) == ["Django as it is: it is older than ASGI"]


async def test_asgiref_that_was_not_read(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "SYNC", set())
    assert await _lines(caplog) == [
        "Django as it is: asgiref.sync is not of the code that was tested"
    ]


async def test_asgiref_that_somebody_changed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def __aexit__(self: Any, exc: Any, value: Any, tb: Any) -> None:  # noqa: N807
        pass

    monkeypatch.setattr(asgiref.sync.ThreadSensitiveContext, "__aexit__", __aexit__)
    [line] = await _lines(caplog)
    assert "ThreadSensitiveContext.__aexit__ was replaced" in line


@pytest.mark.parametrize(
    ("library", "module", "question"),
    [
        ("gevent", "gevent.monkey", "is_module_patched"),
        ("eventlet", "eventlet.patcher", "is_monkey_patched"),
    ],
)
async def test_green_threads(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    library: str,
    module: str,
    question: str,
) -> None:
    """They have no thread states to make anew."""
    patcher = SimpleNamespace(**{question: lambda name: name.startswith("thread")})
    monkeypatch.setitem(sys.modules, module, patcher)  # type: ignore[arg-type]
    assert await _lines(caplog) == [f"Django as it is: {library} has replaced Python's threads"]


async def test_other_threading(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is used of threading's inside is looked for, not supposed."""
    monkeypatch.setattr(leased_thread, "_needed_of_module", ("_no_such_name",))
    [line] = await _lines(caplog)
    assert line == "Django as it is: this Python's threading has no _no_such_name"


async def test_django_that_was_not_read(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ("django.core.handlers.base", "BaseHandler.make_view_atomic")
    monkeypatch.setitem(releases.MIDDLEWARE, name, ())
    acall = vars(MiddlewareMixin)["__acall__"]
    async with Server(_application, Config(port=0, lifespan="off")):
        assert vars(MiddlewareMixin)["__acall__"] is acall
    assert await _lines(caplog) == [
        f"{SHORT}; middleware as it is: {'.'.join(name)} is not of the code that was tested"
    ]


async def test_requests_that_were_not_read(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other parts do not depend on it."""
    handle = vars(ASGIHandler)["handle"]
    async with Server(_application, Config(port=0, lifespan="off")):
        assert vars(ASGIHandler)["handle"] is not handle
    name = ("django.core.handlers.base", "BaseHandler.resolve_request")
    monkeypatch.setitem(releases.REQUESTS, name, ())
    async with Server(_application, Config(port=0, lifespan="off")):
        assert vars(ASGIHandler)["handle"] is handle
    assert await _lines(caplog) == [
        f"{SHORT}; middleware runs together; "
        f"requests as they are: {'.'.join(name)} is not of the code that was tested"
    ]


async def test_asgiref_with_other_calls(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "_WITH_OTHER_CALLS", {fingerprint("asgiref.sync")})
    [line] = await _lines(caplog)
    assert line.startswith(f"{LEASED}; trips as they are: asgiref is older than 3.8; files are sen")


async def test_django_that_somebody_changed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Sentry does."""
    make_view_atomic = BaseHandler.make_view_atomic
    monkeypatch.setattr(
        BaseHandler, "make_view_atomic", lambda self, view: make_view_atomic(self, view)
    )
    [line] = await _lines(caplog)
    assert "middleware as it is: django.core.handlers.base.BaseHandler.make_view_atomic" in line


async def test_middleware_is_put_back() -> None:
    acall = vars(MiddlewareMixin)["__acall__"]
    async with Server(_application, Config(port=0, lifespan="off")):
        assert vars(MiddlewareMixin)["__acall__"] is not acall
    assert vars(MiddlewareMixin)["__acall__"] is acall


def _code_of_no_file(name: str, flags: str = "") -> Any:
    """Return the code of a function that was made at run time, as tracers and patches have it."""
    names: dict[str, Any] = {}
    exec(f"{flags}def {name}(*arguments, **named): pass", names)
    return names[name].__code__


@pytest.mark.parametrize(
    ("owner", "name", "flags"),
    [
        (ASGIHandler, "handle", "async "),
        (BaseHandler, "get_response_async", "async "),
        (MiddlewareMixin, "__acall__", "async "),
        (AsyncToSync, "__call__", ""),
    ],
)
async def test_code_without_a_file(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    flags: str,
) -> None:
    """Assigned to `__code__`, it leaves the function the same object, whose text is nowhere."""
    monkeypatch.setattr(getattr(owner, name), "__code__", _code_of_no_file(name, flags))
    [line] = await _lines(caplog)
    assert f"{owner.__qualname__}.{name} was replaced" in line


@pytest.mark.parametrize("value", [None, 1, len, partial(len)])
async def test_what_is_no_function(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    monkeypatch.setattr(ASGIHandler, "handle", value)
    [line] = await _lines(caplog)
    assert "ASGIHandler.handle" in line
