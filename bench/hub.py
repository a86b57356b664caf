"""`python -m bench hub`: what it costs to reach a group in another process of the host.

A process publishes, by plain calls and from an event loop, and another one has a member in the
group: over the hub, and over channels_redis with a Redis on this machine. Each message waits until
the member has the last, so that the latency is that of a lone message; a burst follows for CPU.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = """
import signal, sys
from casgi.hub import Hub
hub = Hub(sys.argv[1])
hub.start()
signal.pause()
"""
LONE, BURST = 200, 2000
GROUP = "prices"

Figures = dict[str, float]


def layer_of(kind: str, place: str) -> Any:
    """Return a layer of this process: of casgi on the hub, or of channels_redis."""
    if kind == "hub":
        from casgi.channels import ChannelLayer

        return ChannelLayer(hub=place, capacity=10**6)
    from channels_redis.core import RedisChannelLayer

    return RedisChannelLayer(hosts=[place], capacity=10**6)


async def receive(kind: str, place: str, lone: str, burst: str) -> None:
    """Be the member: say that it is there, then when each lone message came, then the CPU."""
    layer = layer_of(kind, place)
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    print("ready", flush=True)
    for _ in range(2 * int(lone)):
        message = await layer.receive(channel)
        print(time.monotonic_ns() - message["sent"], flush=True)
    begun = 0.0
    for number in range(int(burst)):
        await layer.receive(channel)
        begun = begun or time.process_time()
        if number == int(burst) - 1:
            print((time.process_time() - begun) / number * 1e6, flush=True)


def measure(kind: str, place: str) -> Figures:
    """Publish to the member in another process."""
    command = [sys.executable, "-m", "bench.hub", kind, place, str(LONE), str(BURST)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as member:
        assert member.stdout is not None
        lines = iter(member.stdout.readline, "")
        assert next(lines) == "ready\n"
        figures = publish_plainly(layer_of(kind, place), lines)
        figures |= asyncio.run(publish_on_a_loop(layer_of(kind, place), lines))
        figures["CPU of the member per message, us"] = float(next(lines))
    return figures


def publish_plainly(layer: Any, lines: Iterator[str]) -> Figures:
    """Publish from code without an event loop."""
    from asgiref.sync import async_to_sync

    plain_calls = getattr(layer, "sync", None)
    send: Callable[[str, Any], Any] = (
        async_to_sync(layer.group_send) if plain_calls is None else plain_calls.group_send
    )
    durations, latencies = [], []
    for _ in range(LONE):
        begun = time.monotonic_ns()
        send(GROUP, {"type": "price", "sent": begun})
        durations.append(time.monotonic_ns() - begun)
        latencies.append(int(next(lines)))
    return {
        "a plain call returns after, us": statistics.median(durations) / 1000,
        "the member has it after, us": statistics.median(latencies) / 1000,
    }


async def publish_on_a_loop(layer: Any, lines: Iterator[str]) -> Figures:
    """Publish from async code, one by one and in a burst."""
    durations, latencies = [], []
    for _ in range(LONE):
        begun = time.monotonic_ns()
        await layer.group_send(GROUP, {"type": "price", "sent": begun})
        durations.append(time.monotonic_ns() - begun)
        latencies.append(int(next(lines)))
    begun_at = time.process_time()
    for _ in range(BURST):
        await layer.group_send(GROUP, {"type": "price", "sent": 0})
    return {
        "await group_send() returns after, us": statistics.median(durations) / 1000,
        "the member has that after, us": statistics.median(latencies) / 1000,
        "CPU of the sender per message, us": (time.process_time() - begun_at) / BURST * 1e6,
    }


@contextmanager
def running(command: list[str], is_ready: Callable[[], bool]) -> Iterator[None]:
    """Run a server for as long as it is needed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not is_ready():
            if process.poll() is not None:
                raise SystemExit(f"bench: {command[0]} did not start")
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def main(arguments: list[str]) -> int:
    """Measure all layers and print the table."""
    rows: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "hub")
        with running([sys.executable, "-c", PROGRAM, place], Path(place).exists):
            rows["hub"] = measure("hub", place)
        socket = Path(folder) / "redis"
        redis = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
        with running(redis, socket.exists):
            rows["channels_redis"] = measure("channels_redis", f"unix://{socket}")
    print(text_of(rows))
    if arguments:
        Path(arguments[0]).write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def text_of(rows: dict[str, Figures]) -> str:
    """Return the table."""
    lines = [f"{'':40}" + "".join(f"{kind:>16}" for kind in rows)]
    for name in rows["hub"]:
        lines.append(f"{name:40}" + "".join(f"{row[name]:16.1f}" for row in rows.values()))
    return "\n".join(lines)


if __name__ == "__main__":
    asyncio.run(receive(*sys.argv[1:]))
