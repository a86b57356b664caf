"""Whether a request has used databases or caches is known without asking asgiref's Local."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.local import Local
from django.core.cache import caches
from django.db import connections
from django.db.utils import ConnectionHandler

from casgi.django.local_storage import Connections


def _in_new_thread(function: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are a thread's."""
    known = Connections(connections)

    def use() -> tuple[bool, bool, bool]:
        before = known.are_none()
        connections["other"] = SimpleNamespace()
        used = known.are_none()
        del connections["other"]
        return before, used, known.are_none()

    assert _in_new_thread(use) == (True, False, True)


def test_caches() -> None:
    """They are a context's."""
    known = Connections(caches)

    def use() -> tuple[bool, bool]:
        before = known.are_none()
        caches["default"]
        return before, known.are_none()

    assert contextvars.Context().run(use) == (True, False)
    assert _in_new_thread(use) == (True, False)
    assert contextvars.Context().run(known.are_none)


def test_storage_that_somebody_else_has_put_there() -> None:
    """What is in that one is found."""
    handler: Any = ConnectionHandler({"default": {"ENGINE": "django.db.backends.dummy"}})
    known = Connections(handler)
    handler._connections = Local(thread_critical=True)

    def use() -> tuple[bool, bool]:
        before = known.are_none()
        handler["default"]
        return before, known.are_none()

    assert _in_new_thread(use) == (True, False)


def test_storage_that_is_not_known() -> None:
    """The handler is asked."""
    handler: Any = ConnectionHandler({"default": {"ENGINE": "django.db.backends.dummy"}})
    handler._connections = SimpleNamespace()
    known = Connections(handler)
    assert known.are_none()
    handler["default"]
    assert not known.are_none()
