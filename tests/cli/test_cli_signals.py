"""SIGINT and SIGTERM: a graceful stop for one, an end at once for two."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.early_signals import sent_at_import

from casgi.loop import new_event_loop
from casgi.signals import StopSignals

SIGNALS = [signal.SIGINT, signal.SIGTERM]
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
# Never: the processes that are stopped at once would not end before the deadline otherwise.
NO_LIMIT = ("--application-close-timeout", "-1")


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.settimeout(20)
        yield made


def send_request(client: socket.socket, process) -> None:
    """Send a request to an application that then says that it has it."""
    client.connect(("127.0.0.1", process.port()))
    client.sendall(REQUEST)
    process.stdout.wait_for("^request$")


@pytest.mark.parametrize("number", SIGNALS)
def test_idle_server_ends_with_exit_code_0(casgi, number):
    process = casgi("-p", "0", "served:with_lifespan")
    process.port()
    process.signal(number)
    assert process.wait() == 0
    assert process.stdout.lines() == ["startup", "shutdown", "after shutdown"]
    assert process.stderr.wait_for("Shutting down$")


@pytest.mark.parametrize("number", SIGNALS)
def test_running_request_is_finished_and_nothing_new_accepted(casgi, client, number):
    process = casgi("-p", "0", *NO_LIMIT, "served:answer_after_signal")
    send_request(client, process)
    process.signal(number)
    response = b"".join(iter(lambda: client.recv(4096), b""))
    assert response.endswith(b"finished")
    assert b"connection: close" in response.lower()
    assert process.wait() == 0
    assert process.stdout.wait_for("after shutdown")


def test_idle_keep_alive_connection_does_not_hold_the_server_up(casgi, client):
    process = casgi("-p", "0", *NO_LIMIT, "served:with_lifespan")
    client.connect(("127.0.0.1", process.port()))
    client.sendall(REQUEST)
    assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert process.stop() == 0


def test_request_that_takes_too_long_is_cancelled_and_reported(casgi, client):
    process = casgi("-p", "0", "--application-close-timeout", "0.2", "served:endless")
    send_request(client, process)
    assert process.stop() == 0
    assert process.stderr.wait_for("WARNING .* 1 connections and 1 application tasks")
    assert "cancelled" in process.stdout.lines()
    assert "after shutdown" in process.stdout.lines()


@pytest.mark.parametrize("number", SIGNALS)
def test_second_signal_does_not_wait_for_requests(casgi, client, number):
    process = casgi("-p", "0", *NO_LIMIT, "served:endless")
    send_request(client, process)
    process.signal(number)
    process.stderr.wait_for("Shutting down$")
    process.signal(number)
    assert process.wait() == 0
    assert "cancelled" in process.stdout.lines()


def test_second_signal_does_not_wait_for_the_lifespan(casgi):
    process = casgi("-p", "0", *NO_LIMIT, "served:endless_shutdown")
    process.port()
    process.signal(signal.SIGTERM)
    process.stdout.wait_for("shutting down")
    process.signal(signal.SIGTERM)
    assert process.wait() == 0


def test_signal_ends_a_startup_that_takes_too_long(casgi):
    process = casgi("-p", "0", "served:endless_startup")
    process.stdout.wait_for("starting")
    assert process.stop() == 0
    assert process.stdout.lines() == ["starting", "gave up"]


def test_thread_that_never_ends_does_not_hold_the_process_up(casgi, client):
    process = casgi("-p", "0", "--application-close-timeout", "0.2", "served:in_thread")
    send_request(client, process)
    assert process.stop() == 0
    assert process.stderr.wait_for("Exiting without waiting for threads: asyncio_0")


def test_sync_view_that_never_returns_is_named(casgi, client):
    """With the line at which it is, and with its request."""
    process = casgi("-p", "0", "--application-close-timeout", "0.2", "stuck_view:application")
    send_request(client, process)
    assert process.stderr.wait_for("threads are leased")
    assert process.stop() == 0
    assert process.stderr.wait_for("Not finished: .*GET /")
    assert process.stderr.wait_for("Exiting without waiting for threads: casgi-context-1")
    assert process.stderr.wait_for(r"threading.Event\(\).wait\(\)  # for ever")


def test_second_signal_ends_a_process_whose_loop_is_blocked(casgi, client):
    process = casgi("-p", "0", *NO_LIMIT, "served:blocking")
    send_request(client, process)
    process.signal(signal.SIGTERM)
    tick = threading.Event()
    for _ in range(20):
        # A second signal counts as one only some time after the first.
        tick.wait(1)
        process.signal(signal.SIGTERM)
        if process.has_ended():
            break
    assert process.wait() == -signal.SIGTERM


EARLY = ["casgi.cli", "served"]
OF_WORKERS = Path(__file__).parents[1] / "workers" / "project"
HELD = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)


@pytest.mark.parametrize("module", EARLY)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_signal_that_comes_too_early_opens_the_logs_anew(casgi, number, module):
    prefix = sent_at_import(number, module)
    process = casgi("-p", "0", "served:with_lifespan", prefix=prefix, start_new_session=True)
    process.stderr.wait_for("The logs were opened anew")
    process.port()
    assert process.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU])
def test_signal_to_a_supervisor_that_will_be_none(casgi, number):
    """Nothing: it was held while it was not known that there are no workers."""
    prefix = sent_at_import(number, "casgi.cli")
    process = casgi("-p", "0", "served:with_lifespan", prefix=prefix)
    process.port()
    assert process.stop() == 0


def test_what_is_started_at_the_import_has_every_signal(casgi):
    process = casgi("-p", "0", "signalled:application", folder=OF_WORKERS)
    for field in ("child SigBlk", "child SigIgn", "forked SigCgt"):
        mask = int(process.stdout.wait_for(rf"^{field}:\s+(\w+)$")[1], 16)
        assert not [number for number in HELD if mask >> (number - 1) & 1]
    process.port()
    assert process.stop() == 0


@pytest.mark.parametrize("module", EARLY)
@pytest.mark.parametrize("number", SIGNALS)
def test_process_that_is_stopped_too_early_ends_quietly(casgi, number, module):
    process = casgi("-p", "0", "served:with_lifespan", prefix=sent_at_import(number, module))
    assert process.wait() == -number
    assert process.stderr.lines() == []


@pytest.mark.parametrize("loop_factory", [new_event_loop, asyncio.new_event_loop])
def test_what_takes_a_signal_from_a_server(loop_factory):
    """Not a handler of signal.signal(): the loop is told of the signal, too."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        told, own = asyncio.Event(), asyncio.Event()
        with StopSignals(told.set, (signal.SIGUSR2,)) as signals:
            assert signals.taken() == []
            signal.signal(signal.SIGUSR2, lambda number, frame: own.set())
            os.kill(os.getpid(), signal.SIGUSR2)
            async with asyncio.timeout(30):
                await told.wait()
            assert own.is_set()
            assert signals.taken() == []
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            assert signals.taken() == [signal.SIGUSR2]
            loop.add_signal_handler(signal.SIGUSR2, own.set)
            assert signals.taken() == [signal.SIGUSR2]
        assert signals.taken() == []

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serve())
