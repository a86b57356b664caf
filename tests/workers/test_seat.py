"""The place of a worker: when there is no process for one, or it dies, or never starts."""

import asyncio
import contextlib
import errno
import os
import socket
import sys

import pytest

from casgi.supervisor.children import Children
from casgi.supervisor.recycling import Limits
from casgi.supervisor.rolling import Rolling
from casgi.supervisor.seat import Seat
from casgi.supervisor.service_manager import ServiceManager
from casgi.supervisor.worker import Worker


def test_process_that_cannot_be_made_is_tried_again():
    async def run():
        tries = []
        tried_again = asyncio.Event()

        async def start(number):
            tries.append(number)
            if len(tries) == 2:
                tried_again.set()
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        seat = Seat(3, start, lambda: None)
        assert not await seat.fill()
        tries.clear()
        keeping = asyncio.create_task(seat.keep())
        async with asyncio.timeout(20):
            await tried_again.wait()
        assert tries[:2] == [3, 3]
        seat.give_up()
        await keeping

    asyncio.run(run())


WAITING = "import time; time.sleep(1000)"


@contextlib.asynccontextmanager
async def workers_of(*commands):
    """Give a function that starts one worker after the other, each a Python command that waits."""
    with Children() as children:
        left, started = list(commands), []

        async def start(number):
            command = [sys.executable, "-c", left.pop(0)]
            pid = os.spawnv(os.P_NOWAIT, sys.executable, command)  # noqa: ASYNC220  As spawn().
            started.append(Worker(number, 0, pid, children.end_of(pid), Limits()))
            return started[-1]

        yield start, started
        for worker in started:
            worker.kill()
            await asyncio.wait([worker.ended])


def test_reload_does_not_wait_for_the_back_off(monkeypatch):
    # A worker says over its channel that it is ready, which these have not.
    monkeypatch.setattr(Worker, "is_ready", lambda worker, longest: asyncio.sleep(0, True))
    monkeypatch.setattr(Worker, "serve", lambda worker, longest: asyncio.sleep(0, True))

    async def main():
        async with workers_of(WAITING, WAITING) as (start, started):
            seat = Seat(0, start, lambda: None)
            monkeypatch.setattr(seat._back_off, "after", lambda lived: 1000.0)
            assert await seat.fill()
            keeping = asyncio.create_task(seat.keep())
            started[0].kill()
            await asyncio.wait([started[0].ended])
            await asyncio.sleep(0)  # keep() begins to wait for its time
            assert await seat.replace()
            assert seat.worker is started[1]
            seat.give_up()
            await keeping

    asyncio.run(main())


@pytest.mark.parametrize("is_ready", [False, True])
def test_worker_that_does_not_come_to_serve_in_time_is_killed(monkeypatch, is_ready):
    if is_ready:
        monkeypatch.setattr(Worker, "is_ready", lambda worker, longest: asyncio.sleep(0, True))

    async def main():
        async with workers_of(WAITING) as (start, started):
            seat = Seat(0, start, lambda: None, longest_start=0.05)
            assert not await seat.fill()
            assert started[0].ended.result() < 0

    asyncio.run(main())


async def connected(worker):
    """Return the worker's end of its channel."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    await worker.connect(ours, lambda worker: None)
    return await asyncio.open_connection(sock=theirs)


@pytest.mark.parametrize(("lived", "left"), [(30.0, 10.0), (40.0, 1.0)])
def test_time_to_start_is_that_of_both_steps(monkeypatch, lived, left):
    """One that was late to be ready has what is left to serve, or a moment."""
    timeouts = []

    async def wait_for_any(*events, tasks, timeout):
        timeouts.append(timeout)
        for event in events:
            event.set()

    async def main():
        worker = Worker(0, 0, os.getpid(), asyncio.Future(), Limits())
        worker._started_at -= lived
        assert await worker.is_ready(40.0)
        assert await worker.serve(40.0)
        assert await worker.serve(None)

    monkeypatch.setattr("casgi.supervisor.worker.wait_for_any", wait_for_any)
    asyncio.run(main())
    *both, never = timeouts
    assert never is None
    assert all(0 < timeout <= left for timeout in both)


def test_worker_serves_when_it_says_so():
    async def main():
        async with workers_of(WAITING) as (start, _):
            worker = await start(0)
            reader, writer = await connected(worker)

            async def started(number):
                return worker

            seat = Seat(0, started, lambda: None)
            filling = asyncio.create_task(seat.fill())
            writer.write(b"ready\n")
            assert await reader.readline() == b"serve\n"
            assert not (seat.filled.is_set() or filling.done())
            writer.write(b"serving\n")
            assert await filling
            assert seat.filled.is_set()
            writer.close()

    asyncio.run(main())


def test_who_ends_before_it_serves_has_replaced_nobody(monkeypatch):
    monkeypatch.setattr(Worker, "is_ready", lambda worker, longest: asyncio.sleep(0, True))

    async def main():
        async with workers_of(WAITING, WAITING) as (start, started):
            seat = Seat(0, start, lambda: None)
            seat.inherit(await start(0))
            replacing = asyncio.create_task(seat.replace())
            while len(started) < 2:
                await asyncio.sleep(0)
            started[1].kill()
            assert not await replacing
            assert seat.worker is started[0]
            assert not started[0].ended.done()

    asyncio.run(main())


@pytest.mark.parametrize("asks", [0, 1])
def test_who_asks_for_a_successor_gets_one(monkeypatch, asks):
    """While another is about to serve: that one is the successor, or wants one itself."""
    monkeypatch.setattr(Worker, "is_ready", lambda worker, longest: asyncio.sleep(0, True))

    async def main():
        async with workers_of(WAITING, WAITING, WAITING) as (start, started):
            serves = asyncio.Event()
            monkeypatch.setattr(Worker, "serve", lambda worker, longest: serves.wait())
            seat = Seat(0, start, lambda: None)
            seat.inherit(await start(0))
            replacing = asyncio.create_task(seat.replace())
            while len(started) < 2:
                await asyncio.sleep(0)
            assert seat.worker is started[0]
            assert seat.has(started[asks])
            again = asyncio.create_task(seat.replace(started[asks]))
            serves.set()
            while seat.worker is not started[-1] or len(started) < 2 + asks:
                await asyncio.sleep(0)
            for worker in started[:-1]:
                worker.kill()
            assert await again
            assert await replacing
            assert seat.worker is started[1 + asks]

    asyncio.run(main())


def test_seat_that_is_given_up_while_its_worker_is_recycled_is_no_failure(caplog):
    """SIGTTOU takes the seat away: nothing is wrong, and the next is not kept waiting."""

    class Retired(Seat):
        async def replace(self, worker=None):
            seats.remove(self)
            return False

    seat = Retired(0, lambda number: None, lambda: None)
    seats = [seat]
    rolling = Rolling(seats, ServiceManager(), asyncio.Event())
    asyncio.run(asyncio.wait_for(rolling.recycle(seat), 20.0))
    assert [one.message for one in caplog.records] == []
