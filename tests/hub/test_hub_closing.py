"""A process that closes its connection to a hub, while a thread of it reads from there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from casgi import _core
from casgi.hub.connection import HubConnection
from casgi.hub.errors import HubUnavailable

DEADLINE = 30.0
TOPIC = b"groom\0visitors"


class SteppedLock:
    """A lock that says when somebody is about to have it, and waits for a word."""

    def __init__(self) -> None:
        """Nobody has come."""
        self.has_come = threading.Event()
        self.may_enter = threading.Event()

    def __enter__(self) -> None:
        self.has_come.set()
        self.may_enter.wait()

    def __exit__(self, *exception: object) -> None:
        pass

    def acquire(self, blocking: bool) -> bool:
        """Let nobody have it who does not wait."""
        return False


class Space:
    """Hears what comes to the topic, on the reading thread, and asks for something there."""

    def __init__(self, connection: HubConnection) -> None:
        """Ask by this connection."""
        self.connection = connection
        self.has_come = threading.Event()
        self.may_ask = threading.Event()
        self.errors: list[Exception] = []

    def take(self, topic: bytes, payload: bytes) -> int:
        """Ask when it is time to."""
        self.has_come.set()
        self.may_ask.wait()
        try:
            self.connection.request(publish)
        except Exception as error:
            self.errors.append(error)
        return 0


def publish(client: _core.HubClient) -> int:
    return client.publish(TOPIC, b"hello", False)


def close_when_reader_goes_on(connection: HubConnection, go_on: threading.Event) -> None:
    """Close it, and let the reading thread go on when its end is waited for; it has to end."""
    reader = connection._reader
    assert reader is not None

    def join() -> None:
        go_on.set()
        threading.Thread.join(reader, DEADLINE)

    reader.join = join  # type: ignore[method-assign, assignment]
    connection.close()
    assert not reader.is_alive()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """Return the path of a hub."""
    hub = _core.Hub(str(tmp_path / "hub"))
    hub.start()
    yield str(tmp_path / "hub")
    hub.stop()


def test_close_before_the_thread_waits(hub):
    connection = HubConnection(hub)
    connection.do(publish)  # in this thread, which turns the loop
    assert connection._client is not None
    connection._client.turn(-1)  # until the hub is known to be alive, and no timer runs any more
    lock = SteppedLock()
    connection._turning = lock
    connection.read_always()
    lock.has_come.wait()
    close_when_reader_goes_on(connection, lock.may_enter)


def test_close_while_the_thread_asks_for_something(hub):
    connection, other = HubConnection(hub), HubConnection(hub)
    space = Space(connection)
    connection.enter("room", space)
    connection.wait(connection.announce(TOPIC))
    connection.read_always()
    other.do(publish)
    space.has_come.wait()
    close_when_reader_goes_on(connection, space.may_ask)
    assert [type(error) for error in space.errors] == [HubUnavailable]
    other.close()
