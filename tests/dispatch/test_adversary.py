"""Each object that casgi relies on is changed in each way: what is seen is what Channels shows.

The reference is stock Channels on the same server with a wrapper around every object at once.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings
from support.server import LiveServer, Serve

from casgi.channels.acceleration import acceleration

from . import adversary_consumers
from .adversary import Journal, function_at, functions, is_plain, with_other_code, wrapped

Way = Callable[[Journal, str, Any], contextlib.AbstractContextManager[None]]
# Looked at when a consumer connects, as docs/channels.md says.
NOT_WHILE_CONNECTED = functions("closing", "layer in memory")
LAYER = functions("layer in memory")
# What is called while a layer is used, and not for consumers that were there before.
METHODS = ("send", "receive", "new_channel", "group_add", "group_discard", "group_send")
LATE_METHODS = ("send", "group_discard", "group_send")
_IN_MEMORY = "channels.layers.InMemoryChannelLayer."
CASES = [
    *((wrapped, name, "before the start") for name in functions()),
    *((wrapped, name, "after the start") for name in functions() if name not in LAYER),
    *(
        (wrapped, name, "while connected")
        for name in functions()
        if name not in NOT_WHILE_CONNECTED
    ),
    *((wrapped, _IN_MEMORY + name, "after the start") for name in METHODS),
    *((wrapped, _IN_MEMORY + name, "while connected") for name in LATE_METHODS),
    *((with_other_code, name, "before the start") for name in functions()),
]


@pytest.fixture(autouse=True)
def sessions_in_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = "django.contrib.sessions.backends.signed_cookies"
    monkeypatch.setattr(settings, "SESSION_ENGINE", engine)


def connect(server: LiveServer) -> list[Any]:
    return [server.websocket(target) for target in ("/a", "/a", "/s")]


def wait_for_thread(server: LiveServer) -> None:
    """Let the thread of sync consumers finish what it does."""
    asyncio.run_coroutine_threadsafe(sync_to_async(int)(), server.loop).result(10)


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


_references: dict[tuple[Way, bool], tuple[list[str], Journal]] = {}


@pytest.fixture
def reference(serve: Serve) -> Callable[[Way, bool], tuple[list[str], Journal]]:
    """What stock Channels does, and how often it calls each object with which arguments."""

    def reference_of(way: Way, is_late: bool) -> tuple[list[str], Journal]:
        if (way, is_late) not in _references:
            _references[way, is_late] = observe(serve, way, is_late)
        return _references[way, is_late]

    return reference_of


def observe(serve: Serve, way: Way, is_late: bool) -> tuple[list[str], Journal]:
    channel_layers.backends = {}
    journal: Journal = Counter()
    server = serve(adversary_consumers.application)
    with contextlib.ExitStack() as stack:
        clients = connect(server) if is_late else []
        wait_for_thread(server)
        # First what is made by calling others of them.
        for name, place in sorted(functions().items(), key=lambda each: is_plain(each[1])):
            if way is wrapped or name == name_of_function(name):
                stack.enter_context(way(journal, name, place))
        seen = play(server, clients or connect(server))
    server.stop()
    channel_layers.backends = {}
    return seen, journal


def name_of_function(name: str) -> str:
    """Return the first of the names that stand for one function."""
    here = functions()
    function = function_at(here[name])
    return next(other for other in here if function_at(here[other]) is function)


def of(journal: Journal, name: str) -> Counter[str]:
    return Counter({key[1]: count for key, count in journal.items() if key[0] == name})


@pytest.mark.parametrize("is_late", [False, True])
def test_reference_calls_what_is_relied_on(reference: Any, is_late: bool) -> None:
    """Else the comparison below would compare nothing with nothing."""
    called = {name for name, _ in reference(wrapped, is_late)[1]}
    assert len(called) > len(functions()) / (3 if is_late else 2)


@pytest.mark.parametrize(("way", "name", "moment"), CASES)
def test_wrapper_is_called_as_by_channels(
    serve: Serve, reference: Any, name: str, way: Way, moment: str
) -> None:
    is_late = moment == "while connected"
    seen, calls = reference(way, is_late)
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
            wait_for_thread(server)
            stack.enter_context(wrapper)
        assert play(server, clients) == seen
    server.stop()
    called = name if way is wrapped else name_of_function(name)
    assert of(journal, name) == of(calls, called)
