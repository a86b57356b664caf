"""Wrappers where no function of a class or module is: on objects, and under names that are read.

Each is called as often as by stock Channels, wherever the docs do not say otherwise.
"""

import builtins
import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import channels.consumer
import channels.layers
import django.db
import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from channels.consumer import SyncConsumer
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings
from support.server import Serve

from . import adversary_consumers
from .test_adversary import accelerated, connect, play, wait_for_thread

Wrapping = Callable[[], contextlib.AbstractContextManager[None]]
calls: Counter[str] = Counter()


def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **named: Any) -> Any:
        calls[name] += 1
        return function(*args, **named)

    return markcoroutinefunction(wrapper) if iscoroutinefunction(function) else wrapper


def on_object(name: str, find: Callable[[], Any]) -> Wrapping:
    """Return what puts a wrapper into the attributes of an object, or into a class."""

    @contextlib.contextmanager
    def wrapping() -> Iterator[None]:
        owner = find()
        raw = vars(owner).get(name)
        setattr(owner, name, counted(name, getattr(owner, name)))
        try:
            yield
        finally:
            delattr(owner, name) if raw is None else setattr(owner, name, raw)

    return wrapping


@contextlib.contextmanager
def connections_of_another_class() -> Iterator[None]:
    own = django.db.connections

    class Counting:
        def __getattr__(self, name: str) -> Any:
            calls[name] += 1
            return getattr(own, name)

    django.db.connections = Counting()
    try:
        yield
    finally:
        django.db.connections = own


@contextlib.contextmanager
def name_in_module() -> Iterator[None]:
    channels.consumer.getattr = counted("getattr", getattr)
    try:
        yield
    finally:
        del channels.consumer.getattr


@contextlib.contextmanager
def copying() -> Iterator[None]:
    own = channels.layers.deepcopy
    channels.layers.deepcopy = counted("deepcopy", own)
    try:
        yield
    finally:
        channels.layers.deepcopy = own


@contextlib.contextmanager
def builtin() -> Iterator[None]:
    own = builtins.getattr

    def wrapper(*args: Any) -> Any:
        if args[1] == "room_message":
            calls["getattr"] += 1
        return own(*args)

    builtins.getattr = wrapper
    try:
        yield
    finally:
        builtins.getattr = own


BEFORE, AFTER, CONNECTED = "before the start", "after the start", "while connected"
SYNC_DISPATCH = on_object("thread_handler", lambda: vars(SyncConsumer)["dispatch"])
ALL_CONNECTIONS = on_object("all", lambda: django.db.connections)
CASES: dict[str, tuple[Wrapping, tuple[str, ...]]] = {
    "send of the layer": (on_object("send", get_channel_layer), (AFTER, CONNECTED)),
    "send of its class": (on_object("send", lambda: type(get_channel_layer())), (CONNECTED,)),
    "a method that others call": (on_object("_clean_expired", get_channel_layer), (AFTER,)),
    "a method of the sync dispatch": (SYNC_DISPATCH, (BEFORE, CONNECTED)),
    "a method of the connections": (ALL_CONNECTIONS, (BEFORE, AFTER)),
    "other connections": (connections_of_another_class, (AFTER,)),
    "what the layer copies by": (copying, (BEFORE, AFTER, CONNECTED)),
    "a builtin's name": (name_in_module, (CONNECTED,)),
    "a builtin": (builtin, (CONNECTED,)),
}


@pytest.fixture(autouse=True)
def sessions_in_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = "django.contrib.sessions.backends.signed_cookies"
    monkeypatch.setattr(settings, "SESSION_ENGINE", engine)


@pytest.mark.parametrize(
    ("title", "moment"),
    [(title, each) for title, (_, moments) in CASES.items() for each in moments],
)
def test_wrapper_is_called_as_by_channels(serve: Serve, title: str, moment: str) -> None:
    wrapping = CASES[title][0]
    stock = observe(serve, wrapping, moment, is_accelerated=False)
    assert stock[1]
    assert observe(serve, wrapping, moment, is_accelerated=True) == stock


def observe(
    serve: Serve, wrapping: Wrapping, moment: str, *, is_accelerated: bool
) -> tuple[list[str], Counter[str]]:
    channel_layers.backends = {}
    calls.clear()
    server = serve(adversary_consumers.application)
    with contextlib.ExitStack() as stack:
        if moment == BEFORE:
            stack.enter_context(wrapping())
        if is_accelerated:
            stack.enter_context(accelerated(server))
        if moment == AFTER:
            stack.enter_context(wrapping())
        clients = connect(server)
        if moment == CONNECTED:
            wait_for_thread(server)
            stack.enter_context(wrapping())
        seen = play(server, clients)
    server.stop()
    channel_layers.backends = {}
    return seen, Counter(calls)
