"""Workers are killed at random: everybody else stays, and the groups are whole again.

Once in an ordinary run; `make kills SECONDS=300` says how long the groups took.
"""

import asyncio
import os
import random
import signal
import statistics
import time

import pytest
from support.casgi_process import DEADLINE
from test_draining import descriptors
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECONDS = float(os.environ.get("KILL_SECONDS", "0"))
WORKERS = 4 if SECONDS else 2
MEMBERS = 3 * WORKERS
# After a worker has ended within ten seconds of its start the next waits for longer.
LONGEST_BACK_OFF = 30.0
# Workers may connect to the hub a moment after they serve.
DESCRIPTORS_OF_PEERS = WORKERS


class Members:
    """WebSockets of one group, each with the PID of its worker."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/"
        self.pids: dict[ClientConnection, int] = {}

    async def join(self, count: int) -> None:
        for _ in range(count):
            member = await connect(self.url, open_timeout=DEADLINE, ping_interval=None)
            self.pids[member] = int(await asyncio.wait_for(member.recv(), DEADLINE))

    async def lose(self, pid: int) -> int:
        """Return how many were on this worker, which was killed."""
        lost = [member for member, theirs in self.pids.items() if theirs == pid]
        for member in lost:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(member.recv(), DEADLINE)
            del self.pids[member]
        return len(lost)

    async def hear(self, text: str) -> None:
        """Have one say something, which all hear."""
        await next(iter(self.pids)).send(text)
        for member in self.pids:
            assert await asyncio.wait_for(member.recv(), DEADLINE) == text

    async def leave(self) -> None:
        for member in self.pids:
            await member.close()


async def wait_for_worker(site, nth: int) -> int:
    """Return the PID of the nth worker that serves."""

    def wait() -> int:
        deadline = time.monotonic() + DEADLINE + LONGEST_BACK_OFF
        while True:
            try:
                return int(site.stderr.wait_for(r"Worker \d \(PID (\d+)\) serves$", nth)[1])
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    return await asyncio.to_thread(wait)


async def kill_workers(site) -> list[float]:
    """Kill one after the other; return after how many seconds the group was whole each time."""
    healed: list[float] = []
    workers = [await wait_for_worker(site, nth) for nth in range(WORKERS)]
    before = descriptors(site.pid)
    members = Members(site.port())
    await members.join(MEMBERS)
    until = time.monotonic() + SECONDS
    while not healed or time.monotonic() < until:
        victim = random.choice(workers)
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        await members.join(await members.lose(victim))
        await members.hear(f"after {len(healed)}")
        healed.append(time.monotonic() - began)
        workers.remove(victim)
        workers.append(await wait_for_worker(site, WORKERS + len(healed) - 1))
    assert descriptors(site.pid) - before <= DESCRIPTORS_OF_PEERS
    await members.leave()
    return healed


@pytest.mark.timeout(120 + 2 * SECONDS)
def test_killed_workers_take_nobody_with_them(start, capsys):
    site = start("--lifespan", "off", "--no-access-log", "grouped:application", workers=WORKERS)
    healed = asyncio.run(kill_workers(site))
    assert site.stop() == 0
    ends = [line for line in site.stderr.lines() if "was ended by" in line]
    assert len(ends) == len(healed)
    with capsys.disabled():
        print(
            f"\n{len(healed)} workers killed, nobody else went; the group was whole again after"
            f" {statistics.median(healed) * 1000:.0f} ms, at most {max(healed) * 1000:.0f} ms"
        )
