"""What is said of applications that do not end, and how many threads they have."""

import asyncio
import itertools
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from support.casgi_process import DEADLINE, PROJECT, CasgiProcess, environment
from support.ports import free_port
from support.server_process import ServerProcess
from support.ws import upgrade

from casgi.unfinished import task_stack, thread_stack

REQUEST = b"GET /slow/%0a?key=1 HTTP/1.1\r\nHost: x\r\n\r\n"
INNERMOST_LAST = ["deeply_waiting", "wait_for_nothing", "the_innermost", "wait"]


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket() as connected:
        connected.settimeout(DEADLINE)
        yield connected


def connect(client: socket.socket, process: CasgiProcess, data: bytes) -> None:
    """Send a request, and wait until the application has it."""
    client.connect(("127.0.0.1", process.port()))
    client.sendall(data)
    process.stdout.wait_for("^request$")


@pytest.mark.parametrize(
    ("data", "described"),
    [(REQUEST, "GET /slow/%0a"), (upgrade("/slow/"), "websocket /slow/")],
    ids=["http", "websocket"],
)
def test_warning_about_an_application_whose_client_has_gone(casgi, client, data, described):
    process = casgi("-p", "0", "--application-close-timeout", "0.1", "served:deeply_waiting")
    connect(client, process, data)
    client.close()
    process.stderr.wait_for(f"took too long .* and is cancelled: {described}, waiting at$")
    assert process.stop() == 0
    assert functions(process, "took too long") == INNERMOST_LAST
    assert any("await asyncio.create_task(the_innermost())" in x for x in process.stderr.lines())


def test_warning_at_shutdown(casgi, client):
    process = casgi("-p", "0", "--application-close-timeout", "0.1", "served:deeply_waiting")
    connect(client, process, REQUEST)
    assert process.stop() == 0
    process.stderr.wait_for("Not finished: GET /slow/%0a, waiting at$")
    assert functions(process, "Not finished: ") == INNERMOST_LAST


def test_thread_that_does_not_end_is_shown(casgi, client):
    process = casgi("-p", "0", "--application-close-timeout", "0.1", "served:in_thread")
    connect(client, process, REQUEST)
    assert process.stop() == 0
    process.stderr.wait_for("Thread asyncio_0 is at$")


def functions(process: CasgiProcess, headline: str) -> list[str]:
    """Return the functions of the stack behind a line of a process's log.

    There are others in the log of a process that is held up at its end.
    """
    behind = itertools.dropwhile(lambda line: headline not in line, process.stderr.lines())
    next(behind)
    stack = itertools.takewhile(lambda line: line.startswith("  "), behind)
    return [line.rpartition(" in ")[2] for line in stack if line.startswith("  File ")]


async def produce() -> AsyncIterator[int]:
    yield 1
    await asyncio.Event().wait()


async def consume() -> None:
    async for _ in produce():
        pass


def wait_by_generator() -> Iterator[asyncio.Future[None]]:
    yield from asyncio.get_running_loop().create_future()


class Waiting:
    """What is neither a coroutine nor a future."""

    __await__ = staticmethod(wait_by_generator)


async def wait_by_class() -> None:
    await Waiting()


@pytest.mark.parametrize(
    ("function", "names"),
    [(consume, ["consume"]), (wait_by_class, ["wait_by_class", "wait_by_generator"])],
)
def test_stack_of_other_awaitables(function, names):
    async def look() -> str:
        task = asyncio.create_task(function())
        await asyncio.sleep(0)
        text = task_stack(task)
        task.cancel()
        return text

    shown = asyncio.run(look())
    assert [line.rpartition(" in ")[2] for line in shown.splitlines() if "File" in line] == names


def test_task_that_has_ended_has_no_stack():
    async def look() -> str:
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        return task_stack(task)

    assert asyncio.run(look()) == "  (no Python code)"


def test_stack_of_a_thread():
    begun, end = threading.Event(), threading.Event()

    def begin_and_wait() -> None:
        begun.set()
        end.wait()

    thread = threading.Thread(target=begin_and_wait)
    thread.start()
    try:
        assert begun.wait(DEADLINE)
        assert "in begin_and_wait" in thread_stack(thread)
    finally:
        end.set()
        thread.join()
    assert thread_stack(thread) == "  (no Python code)"


@pytest.mark.parametrize("server", ["daphne", "casgi"])
@pytest.mark.parametrize("threads", ["3", None])
def test_threads_of_the_default_executor(server, threads, get, tmp_path):
    port = free_port()
    command = [sys.executable, "-m", server, "-p", str(port), "served:executor_size"]
    variables = environment(**({} if threads is None else {"ASGI_THREADS": threads}))
    with ServerProcess(command, port, tmp_path / "log", PROJECT, variables):
        assert get(port) == (threads or str(min(32, (os.cpu_count() or 1) + 4)))


@pytest.mark.parametrize("value", ["", "0", "-1", "many"])
def test_number_of_threads_that_is_none(casgi, value):
    process = casgi("-p", "0", "served:hello", variables={"ASGI_THREADS": value})
    assert process.wait() == 2
    assert process.stderr.lines() == [
        f"casgi: ASGI_THREADS must be a whole number from 1, not {value!r}"
    ]
