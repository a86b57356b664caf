"""The Selector by itself, held to the contract of selectors.BaseSelector."""

import gc
import os
import selectors
import socket
import sys
import threading
import time
import weakref

import pytest

from casgi._core import Selector

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def test_is_a_selector(selector):
    assert isinstance(selector, selectors.BaseSelector)
    assert issubclass(Selector, selectors.BaseSelector)


def test_takes_no_arguments():
    with pytest.raises(TypeError):
        Selector(1)
    with pytest.raises(TypeError):
        Selector(size=1)


def test_register_and_look_up(selector, pair):
    ours, theirs = pair
    key = selector.register(ours, READ, "data")
    assert key == selectors.SelectorKey(ours, ours.fileno(), READ, "data")
    assert selector.register(theirs.fileno(), events=WRITE, data=None).fd == theirs.fileno()
    assert selector.get_key(ours) == selector.get_key(ours.fileno()) == key
    assert len(selector.get_map()) == 2
    assert ours in selector.get_map()
    assert selector.get_map()[ours.fileno()] == key
    assert set(selector.get_map()) == {ours.fileno(), theirs.fileno()}


def test_register_refuses(selector, pair):
    ours, _ = pair
    with pytest.raises(ValueError):
        selector.register(ours, 0)
    with pytest.raises(ValueError):
        selector.register(-1, READ)
    with pytest.raises(ValueError):
        selector.register("no file", READ)
    selector.register(ours, READ)
    with pytest.raises(KeyError):
        selector.register(ours, READ)
    with pytest.raises(KeyError):
        selector.unregister(12345)
    with pytest.raises(KeyError):
        selector.modify(12345, READ)
    with pytest.raises(KeyError):
        selector.get_key(12345)


def test_a_regular_file_can_not_be_watched(selector, tmp_path):
    with open(tmp_path / "file", "w") as file, pytest.raises(PermissionError):
        selector.register(file, READ)


def test_select_tells_what_is_ready(selector, pair):
    ours, theirs = pair
    key = selector.register(ours, READ)
    assert selector.select(0) == []
    theirs.send(b"x")
    assert selector.select() == [(key, READ)]
    assert selector.select(timeout=1) == [(key, READ)], "readiness is a level, not an edge"
    key = selector.modify(ours, READ | WRITE, "both")
    assert selector.select(1) == [(key, READ | WRITE)]
    ours.recv(1)
    assert selector.select(1) == [(key, WRITE)]
    selector.unregister(ours)
    assert selector.select(0) == []


def test_select_tells_of_a_peer_that_went(selector, pair):
    ours, theirs = pair
    key = selector.register(ours, READ)
    theirs.close()
    assert selector.select(1) == [(key, READ)]
    assert selector.select(1) == [(key, READ)]


def test_an_error_on_a_pipe_wakes_its_writer_again_and_again(selector):
    reading, writing = os.pipe()
    key = selector.register(writing, WRITE)
    os.close(reading)
    for _ in range(3):
        assert selector.select(1) == [(key, WRITE)]
    selector.unregister(writing)
    os.close(writing)


@pytest.mark.parametrize("timeout", [0.02, 0.0201, 0.001])
def test_select_waits_its_time(selector, timeout):
    start = time.monotonic()
    assert selector.select(timeout) == []
    assert time.monotonic() - start >= timeout


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -0.5])
def test_select_does_not_wait(selector, timeout):
    assert selector.select(timeout) == []


@pytest.mark.parametrize("arguments", [("soon",), (1, 2)])
def test_select_refuses(selector, arguments):
    with pytest.raises(TypeError):
        selector.select(*arguments)
    with pytest.raises(TypeError):
        selector.select(wait=1)


def test_a_longest_timeout_is_cut(selector, pair):
    ours, theirs = pair
    key = selector.register(ours, READ)
    theirs.send(b"x")
    assert selector.select(1e300) == [(key, READ)]
    assert selector.select(float("inf")) == [(key, READ)]


def test_a_closed_descriptor_can_be_unregistered(selector):
    ours, theirs = socket.socketpair()
    selector.register(ours, READ | WRITE)
    ours.close()
    assert selector.select(0) == []
    selector.unregister(ours)
    theirs.close()
    assert len(selector.get_map()) == 0


def test_a_descriptor_closed_between_register_and_select(selector):
    """The kernel has forgotten it; the process must not end, as libuv's own uv_poll_t would."""
    reading, writing = os.pipe()
    selector.register(writing, WRITE)
    os.close(writing)
    assert selector.select(0) == []
    selector.unregister(writing)
    os.close(reading)


def test_a_number_is_used_again_within_a_turn(selector):
    for _ in range(50):
        ours, theirs = socket.socketpair()
        number = ours.fileno()
        selector.register(ours, READ)
        selector.unregister(ours)
        ours.close()
        theirs.close()
        ours, theirs = socket.socketpair()
        assert ours.fileno() == number
        key = selector.register(ours, READ)
        theirs.send(b"x")
        assert selector.select(1) == [(key, READ)]
        selector.unregister(ours)
        ours.close()
        theirs.close()


def test_modify_after_the_number_became_another_file(selector):
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    selector.register(ours, READ)
    ours.close()
    other, other_end = socket.socketpair()
    assert other.fileno() == number
    with pytest.raises(OSError):
        selector.modify(number, READ | WRITE)
    selector.register(other, WRITE)
    for end in (theirs, other, other_end):
        end.close()


def test_a_blocking_descriptor_stays_blocking(selector):
    reading, writing = os.pipe()
    selector.register(reading, READ)
    selector.select(0)
    assert os.get_blocking(reading)
    selector.unregister(reading)
    os.close(reading)
    os.close(writing)


def test_many_descriptors(selector):
    pairs = [socket.socketpair() for _ in range(200)]
    for ours, theirs in pairs:
        selector.register(ours, READ, theirs)
        theirs.send(b"x")
    ready: set[int] = set()
    while len(ready) < len(pairs):
        ready.update(key.fd for key, _ in selector.select(1))
        for number in ready & set(selector.get_map()):
            selector.unregister(number)
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def test_other_threads_run_while_it_waits(selector, pair):
    ours, theirs = pair
    key = selector.register(ours, READ)
    waiting = threading.Event()

    def send() -> None:
        waiting.wait()
        theirs.send(b"x")

    thread = threading.Thread(target=send)
    thread.start()
    waiting.set()
    assert selector.select(None) == [(key, READ)]
    thread.join()


def test_a_thread_of_its_own():
    results: list[object] = []

    def work() -> None:
        with Selector() as selector:
            results.append(selector.select(0.01))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [[]]


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_close_lets_go_of_every_descriptor(pair):
    Selector().close()  # libuv opens descriptors of its own, once in a process
    gc.collect()  # what other tests have left lets go of its descriptors now, or never
    before = descriptors()
    selector = Selector()
    selector.register(pair[0], READ)
    selector.select(0)
    assert descriptors() > before
    selector.close()
    assert descriptors() == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_selector_that_is_dropped_lets_go_too():
    gc.collect()  # what other tests have left
    before = descriptors()
    selector = Selector()
    selector.select(0)
    del selector
    gc.collect()
    assert descriptors() == before


def test_close(pair):
    selector = Selector()
    selector.register(pair[0], READ)
    selector.close()
    selector.close()
    assert selector.get_map() is None
    with pytest.raises(RuntimeError):
        selector.get_key(pair[0])
    with pytest.raises(ValueError):
        selector.select(0)


def test_it_is_collected_with_what_it_holds(pair):
    class Data:
        selector: Selector

    selector = Selector()
    data = Data()
    data.selector = selector
    watched = weakref.ref(data)
    selector.register(pair[0], READ, data)
    del selector, data
    gc.collect()
    assert watched() is None
