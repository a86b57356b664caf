"""`python -m bench.broadcast_instructions`: instructions of a group message, in each process.

Counted by callgrind, so a busy machine changes little; what the kernel does is not in them. The
members are those of `python -m bench broadcast`, and the clock of the processes goes as slowly as
they do, since some of what they do depends on it. `ratio` is what a message costs all processes of
a server, divided by what it costs the first server's.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.callgrind import control, counted_process, sum_of
from bench.clients import Members
from bench.errors import BenchError
from bench.layers import layer
from bench.process import RunningServer, free_port, service_manager
from bench.programs import compiled
from bench.scenarios.broadcast import PATHS, Broadcast
from bench.scenarios.scenario import choices, positive
from bench.servers import Server, select
from bench.usage import SessionUsage

SERVERS = "casgi,casgi-workers"
WARM_UP = 100
SECONDS = 600
READY_SECONDS = 120.0


def options() -> argparse.Namespace:
    """Return what is to be counted."""
    parser = argparse.ArgumentParser(prog="python -m bench.broadcast_instructions")
    parser.add_argument("--servers", type=select, default=SERVERS, metavar="LIST")
    parser.add_argument("--members", type=positive, default=50)
    parser.add_argument("--burst", type=positive, default=10, help="messages sent at once")
    parser.add_argument("--bytes", type=positive, default=64, help="of each text message")
    parser.add_argument("--messages", type=positive, default=200, help="that are counted")
    parser.add_argument("--handler", type=choices(*PATHS), default="shared", metavar="LIST")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for callgrind's own files")
    return parser.parse_args()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def count(server: Server, handler: str, asked: argparse.Namespace, folder: Path) -> Sequence[float]:
    """Return the instructions of one message in each process, the busiest first."""
    port, output = free_port(), folder / f"{server.name}-{handler}"
    sizes = [f"--members={asked.members}", f"--bytes={asked.bytes}", f"--burst={asked.burst}"]
    sizes += [f"--path={PATHS[handler]}", f"--seconds={SECONDS}"]
    command = server.command(Broadcast.application, port)
    clock = {"LD_PRELOAD": str(compiled("slow_clock.so"))}
    with layer("memory", 0) as memory, service_manager() as manager:
        environment = {**memory.environment, **manager.environment, **clock}
        with counted_process(command, port, Path(f"{output}.%p"), environment) as pid:
            if server.has_hub:
                manager.wait_until_ready(READY_SECONDS)
            running = RunningServer(server.name, port, SessionUsage(pid), 0)
            with Members(running, *sizes, f"--messages={WARM_UP}") as members:
                members.measure(SECONDS)
            pids = [pid, *children(pid)]
            with Members(running, *sizes, f"--messages={asked.messages}") as members:
                for one in pids:
                    control(one, "--instr=on")
                if members.measure(SECONDS)["missing"]:
                    raise BenchError("messages were lost")
                for one in pids:
                    control(one, "--dump")
            sums = [sum_of(Path(f"{output}.{one}.1")) for one in pids]
    return sorted((one / asked.messages for one in sums), reverse=True)


def main() -> None:
    """Print the table, row by row."""
    asked = options()
    print(f"{'instructions of a message':38}{'all':>10}{'ratio':>8}  in each process")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        os.makedirs(folder, exist_ok=True)
        for handler in asked.handler:
            first = 0.0
            for server in asked.servers:
                counts = count(server, handler, asked, folder)
                first = first or sum(counts)
                each = " + ".join(f"{one:,.0f}" for one in counts)
                row = f"{handler + ' ' + server.name:38}{sum(counts):10,.0f}"
                print(f"{row}{sum(counts) / first:8.2f}  {each}", flush=True)


if __name__ == "__main__":
    main()
