"""Each object that casgi relies on is changed in each way: what is seen is what Channels shows.

The reference is stock Channels on the same server with a wrapper around every object at once.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings
from support.server import LiveServer, Serve

from casgi.channels.acceleration import acceleration

from . import adversary_consumers
from .adversary import Journal, functions, is_plain, with_other_code, wrapped

Way = Callable[[Journal, str, Any], contextlib.AbstractContextManager[None]]
MOMENTS = ("before the start", "after the start", "while connected")


@pytest.fixture(autouse=True)
def sessions_in_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = "django.contrib.sessions.backends.signed_cookies"
    monkeypatch.setattr(settings, "SESSION_ENGINE", engine)


def connect(server: LiveServer) -> list[Any]:
    return [server.websocket(target) for target in ("/a", "/a", "/s")]


def play(server: LiveServer, clients: list[Any]) -> list[str]:
    """Return what the clients of a room read, step by step."""
    first, second, sync = clients
    seen = []
    first.send_text("all:one")
    seen += [client.read_text() for client in clients]
    first.send_text("me:two")
    seen.append(first.read_text())
    sync.send_text("three")
    seen.append(sync.read_text())
    second.send_text("leave")
    seen.append(second.read_text())
    message = {"type": "room.message", "text": "four"}
    sending = get_channel_layer().group_send("room", message)
    asyncio.run_coroutine_threadsafe(sending, server.loop).result(10)
    seen += [client.read_text() for client in (first, sync)]
    server.forget_clients()
    server.wait_idle()
    return seen


@contextlib.contextmanager
def accelerated(server: LiveServer) -> Iterator[None]:
    server.call(lambda: acceleration.begin(server.loop))
    try:
        yield
    finally:
        server.call(acceleration.end)


_references: dict[bool, tuple[list[str], Journal]] = {}


@pytest.fixture
def reference(serve: Serve) -> Callable[[bool], tuple[list[str], Journal]]:
    """What stock Channels does, and how often it calls each object with which arguments."""

    def reference_of(is_late: bool) -> tuple[list[str], Journal]:
        if is_late not in _references:
            _references[is_late] = observe(serve, is_late)
        return _references[is_late]

    return reference_of


def observe(serve: Serve, is_late: bool) -> tuple[list[str], Journal]:
    channel_layers.backends = {}
    journal: Journal = Counter()
    server = serve(adversary_consumers.application)
    with contextlib.ExitStack() as stack:
        clients = connect(server) if is_late else []
        # First what is made by calling others of them.
        for name, place in sorted(functions().items(), key=lambda each: is_plain(each[1])):
            stack.enter_context(wrapped(journal, name, place))
        seen = play(server, clients or connect(server))
    server.stop()
    channel_layers.backends = {}
    return seen, journal


def of(journal: Journal, name: str) -> Journal:
    return Counter({key: count for key, count in journal.items() if key[0] == name})


@pytest.mark.parametrize("is_late", [False, True])
def test_reference_calls_what_is_relied_on(reference: Any, is_late: bool) -> None:
    """Else the comparison below would compare nothing with nothing."""
    called = {name for name, _ in reference(is_late)[1]}
    assert len(called) > len(functions()) / (3 if is_late else 2)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", [wrapped, with_other_code])
@pytest.mark.parametrize("name", functions())
def test_wrapper_is_called_as_by_channels(
    serve: Serve, reference: Any, name: str, way: Way, moment: str
) -> None:
    is_late = moment == "while connected"
    seen, calls = reference(is_late)
    journal: Journal = Counter()
    server = serve(adversary_consumers.application)
    wrapper = way(journal, name, functions()[name])
    with contextlib.ExitStack() as stack:
        if moment == "before the start":
            stack.enter_context(wrapper)
        stack.enter_context(accelerated(server))
        if moment == "after the start":
            stack.enter_context(wrapper)
        clients = connect(server)
        if is_late:
            stack.enter_context(wrapper)
        assert play(server, clients) == seen
    server.stop()
    assert journal == of(calls, name)
