"""Processes that are no casgi worker: scripts, threads, forks, tasks with a loop each."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels.exceptions import ChannelFull
from core_peer import CorePeer
from hub_process import HubProcess
from support.django_settings import configure_django

configure_django()

from casgi import _core  # noqa: E402
from casgi.channels import ChannelLayer  # noqa: E402
from casgi.hub import HubUnavailable  # noqa: E402
from casgi.hub.connection import connection_to  # noqa: E402
from casgi.hub.project import patience  # noqa: E402

DEADLINE = 30.0
# A process that says what it hears in the group `room`, and ends with its input.
LISTENER = """
import asyncio, json, sys
import django
from django.conf import settings
settings.configure(SECRET_KEY="the same")
from casgi.channels import ChannelLayer
layer = ChannelLayer(hub=sys.argv[1], capacity=1000)  # nobody is too slow for all that is sent
async def main():
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    print(json.dumps(channel), flush=True)
    while True:
        print(json.dumps(await layer.receive(channel)), flush=True)
asyncio.run(main())
"""


class Listener:
    """Another process, in the room."""

    def __init__(self, path: str) -> None:
        """Start it; return when it is in the room."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", LISTENER, path], stdout=subprocess.PIPE, text=True
        )
        self.channel: str = self.read()

    def read(self) -> Any:
        """Return the next message."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def layer(hub: _core.Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A layer of this process."""
    from django.conf import settings

    monkeypatch.setattr(settings, "SECRET_KEY", "the same")
    layer = ChannelLayer(hub=hub.path, capacity=3)
    yield layer
    asyncio.run(layer.flush())
    connection_to(hub.path).close()


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that is stopped is not waited for so long as in the other tests."""
    monkeypatch.setenv("CASGI_HUB_SILENCE", "2.5")


@pytest.fixture
def listener(hub: _core.Hub) -> Iterator[Listener]:
    """Another process, in the room."""
    listener = Listener(hub.path)
    yield listener
    listener.end()


def said(text: str) -> dict[str, str]:
    """Return a message."""
    return {"type": "said", "text": text}


def test_plain_calls(layer: Any, listener: Listener) -> None:
    layer.sync.group_send("room", said("one"))
    layer.sync.send(listener.channel, said("two"))
    assert [listener.read(), listener.read()] == [said("one"), said("two")]
    mine = layer.sync.new_channel()
    layer.sync.group_add("room", mine)
    layer.sync.group_send("room", said("three"))
    assert layer.sync.receive(mine, DEADLINE) == listener.read() == said("three")
    layer.sync.group_discard("room", listener.channel)
    layer.sync.group_send("room", said("four"))
    layer.sync.send(listener.channel, said("five"))
    assert listener.read() == said("five")
    layer.sync.group_add("room", listener.channel)
    layer.sync.group_send("room", said("six"))
    assert listener.read() == said("six")
    for _ in range(3):
        layer.sync.send("work", said("work"))
    with pytest.raises(ChannelFull):
        layer.sync.send("work", said("work"))


def test_publishing_alone_needs_no_thread(layer: Any, listener: Listener) -> None:
    before = set(threading.enumerate())
    layer.sync.group_send("room", said("one"))
    asyncio.run(layer.group_send("room", said("two")))
    assert set(threading.enumerate()) <= before
    assert [listener.read(), listener.read()] == [said("one"), said("two")]


def test_a_loop_for_each_task(layer: Any, listener: Listener) -> None:
    """What a Celery task does; the membership outlives the loop in which it began."""
    channel = asyncio.run(layer.new_channel())
    asyncio.run(layer.group_add("mine", channel))
    for number in range(20):
        asyncio.run(layer.group_send("room", said(str(number))))
        assert listener.read() == said(str(number))
    other = ChannelLayer(hub=layer.hub_path)
    asyncio.run(other.group_send("mine", said("late")))
    assert asyncio.run(layer.receive(channel)) == said("late")


def test_many_threads(layer: Any, listener: Listener) -> None:
    count, threads = 50, []

    def send(index: int) -> None:
        for number in range(count):
            layer.sync.group_send("room", said(f"{index} {number}"))

    for index in range(8):
        threads.append(threading.Thread(target=send, args=(index,)))
        threads[-1].start()
    heard = [listener.read()["text"] for _ in range(8 * count)]
    for thread in threads:
        thread.join()
    for index in range(8):
        mine = [text for text in heard if text.startswith(f"{index} ")]
        assert mine == [f"{index} {number}" for number in range(count)]


def test_forks(layer: Any, listener: Listener) -> None:
    """Each child has a connection of its own, the parent keeps its own and what it has joined."""
    layer.capacity = 5  # as many as come before the first is received
    mine = layer.sync.new_channel()
    layer.sync.group_add("room", mine)
    large = "x" * 300_000
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            try:
                layer.sync.group_send("room", said(f"{number}{large}"))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    texts = sorted(layer.sync.receive(mine, DEADLINE)["text"] for _ in range(3))
    texts.append(layer.sync.receive(mine, DEADLINE)["text"])
    assert sorted(texts) == [f"{number}{large}" for number in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    layer.sync.group_send("room", said("parent"))
    assert layer.sync.receive(mine, DEADLINE) == said("parent")
    heard = [listener.read()["text"] for _ in range(5)]
    assert sorted(heard) == sorted([*texts, "parent"])


def test_projects_do_not_hear_each_other(
    layer: Any, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer.sync.group_send("room", said("of the project"))
    layer.hub.close()
    monkeypatch.setenv("CASGI_HUB_PROJECT", "another")
    layer.sync.group_send("room", said("of another"))
    layer.hub.close()
    monkeypatch.delenv("CASGI_HUB_PROJECT")
    layer.sync.group_send("room", said("of the project again"))
    assert listener.read() == said("of the project")
    assert listener.read() == said("of the project again")


def test_an_absent_hub(tmp_path: Path) -> None:
    layer = ChannelLayer(hub=str(tmp_path / "nowhere"))
    with pytest.raises(HubUnavailable, match="nowhere is unavailable: there is no hub") as raised:
        layer.sync.group_send("room", said("one"))
    assert raised.value.path == str(tmp_path / "nowhere")
    with pytest.raises(HubUnavailable):
        asyncio.run(layer.group_send("room", said("one")))
    with pytest.raises(HubUnavailable):
        asyncio.run(layer.new_channel())
    with pytest.raises(HubUnavailable):
        asyncio.run(layer.receive("work"))
    layer.hub.close()


def send_often(send: Callable[[], None]) -> None:
    """Send as fast as it goes."""
    for _ in range(10_000):
        send()


@pytest.mark.usefixtures("little_patience")
def test_an_answer_that_was_not_read_counts_from_when_it_was_asked_for(path: str) -> None:
    """Who sends now and then would take the answer before for a sign of life."""
    with HubProcess(path) as hub:
        layer = ChannelLayer(hub=path)
        send_often(lambda: layer.sync.group_send("room", said("one")))
        # Until all were asked for longer ago than trust lasts: no event tells of what nobody reads.
        time.sleep(0.05)
        hub.send_signal(signal.SIGSTOP)
        with pytest.raises(HubUnavailable, match="does not answer"):
            layer.sync.group_send("room", said("two"))
        layer.hub.close()


@pytest.mark.usefixtures("little_patience")
def test_close_after_the_end_of_the_hub(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told of only where something may have been missed."""
    with HubProcess(path) as hub:
        layer, other = ChannelLayer(hub=path), CorePeer(path)
        send_often(lambda: layer.sync.group_send("room", said("one")))
        other.synchronize()  # so that all before is answered, though nobody has read it
        hub.kill()
        layer.hub.close()
        assert not [record for record in caplog.records if record.name == "casgi.hub"]
        hub.start()
        layer.sync.group_send("room", said("two"))
        hub.send_signal(signal.SIGSTOP)
        layer.hub.request(lambda client: client.publish(b"room", b"three"))
        layer.hub.close()
        assert "does not answer: it may have missed what was sent last" in caplog.text
        other.client.close()


LAST_WORDS = """
import os, sys
from django.conf import settings
settings.configure(SECRET_KEY="the same")
from casgi.channels import ChannelLayer
layer = ChannelLayer(hub=sys.argv[1])
for number in range(300):
    layer.sync.group_send("room", {"type": "said", "text": str(number) + "x" * 5000})
if sys.argv[2] == "at once":
    os._exit(0)
"""


@pytest.mark.parametrize("end", ["at once", "in order"])
def test_last_words_of_a_process(layer: Any, listener: Listener, end: str) -> None:
    """What was sent arrives, though nobody has waited for the answer."""
    command = [sys.executable, "-c", LAST_WORDS, layer.hub_path, end]
    subprocess.run(command, check=True)
    assert [listener.read()["text"].strip("x") for _ in range(300)] == [
        str(number) for number in range(300)
    ]


@pytest.mark.usefixtures("little_patience")
def test_a_silent_hub(path: str) -> None:
    with HubProcess(path) as hub:
        layer = ChannelLayer(hub=path)
        layer.sync.group_send("room", said("one"))
        hub.send_signal(signal.SIGSTOP)
        for send in (
            lambda: layer.sync.group_send("room", said("two")),
            lambda: asyncio.run(layer.group_send("room", said("three"))),
        ):
            with pytest.raises(HubUnavailable, match="does not answer"):
                send_often(send)  # one that it has just answered is trusted for a moment
        hub.kill()
        hub.start()
        layer.sync.group_send("room", said("four"))
        layer.hub.close()


def test_keys_of_every_type(layer: Any, listener: Listener) -> None:
    """Who sends is not told of what the receiver cannot read: so it reads them all."""
    layer.sync.group_send("room", {"type": "said", "scores": {7: "Ada"}})
    assert listener.read()["scores"] == {"7": "Ada"}  # by way of JSON


async def test_plain_calls_that_wait_are_refused_on_an_event_loop(layer: Any) -> None:
    for name, *arguments in (
        ("group_add", "room", "somebody"),
        ("group_discard", "room", "somebody"),
        ("new_channel",),
        ("receive", "work"),
    ):
        with pytest.raises(RuntimeError, match=rf"await layer\.{name}\(\) instead"):
            getattr(layer.sync, name)(*arguments)


async def test_code_that_closes_pools(layer: Any) -> None:
    """As channels_redis wants it of tasks that have an event loop each."""
    await layer.group_send("room", said("one"))
    await layer.close_pools()
    await layer.group_send("room", said("two"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_told_who_may(layer: Any) -> None:
    layer.hub.close()
    answer, words = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            layer.sync.group_send("room", said("one"))
        except HubUnavailable as error:
            os.write(words, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    text = os.read(answer, 1000).decode()
    os.close(answer)
    os.close(words)
    assert text.startswith(f"The hub at {layer.hub_path} is unavailable: permission denied")
    assert "--hub-mode" in text


GREEN = """
from gevent import monkey
monkey.patch_all()
import asyncio, json, sys
import gevent
from django.conf import settings
settings.configure(SECRET_KEY="the same")
from casgi.channels import ChannelLayer
layer = ChannelLayer(hub=sys.argv[1], capacity=1000)  # nobody is too slow for all that is sent

def say(text):
    for _ in range(3):
        layer.sync.group_send("room", {"type": "said", "text": text})

green = [gevent.spawn(say, "sync") for _ in range(3)]
gevent.joinall(green, raise_error=True)
asyncio.run(layer.group_send("room", {"type": "said", "text": "async"}))
for name, *arguments in ("new_channel",), ("receive", "work"):
    try:
        getattr(layer.sync, name)(*arguments)
    except RuntimeError as error:
        print(error)
"""


def test_green_threads_can_send(layer: Any, listener: Listener) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", GREEN, layer.hub_path], capture_output=True, text=True, check=True
    )
    assert [listener.read() for _ in range(10)] == [said("sync")] * 9 + [said("async")]
    assert ran.stdout.count("gevent has replaced Python's threads: this process can send") == 2


def test_patience_is_a_number_of_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASGI_HUB_SILENCE", raising=False)
    assert patience() == {}
    monkeypatch.setenv("CASGI_HUB_SILENCE", "2.5")
    assert patience() == {"silence": 2.5}
    layer = ChannelLayer(hub=str(tmp_path / "nowhere"))
    for wrong in ("long", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("CASGI_HUB_SILENCE", wrong)
        with pytest.raises(ValueError, match="CASGI_HUB_SILENCE must be a number of seconds"):
            layer.sync.group_send("room", said("one"))


def test_what_cannot_be_packed(layer: Any) -> None:
    with pytest.raises(TypeError, match="can not serialize"):
        layer.sync.group_send("room", {"type": "said", "layer": layer})
