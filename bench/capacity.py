"""Plans: what so many people in rooms need, from the figures of bench/RESULTS.md.

`python -m bench.capacity` prints the tables of docs/capacity.md. What is assumed stands there, and
in the constants below; `--connections`, `--room` and `--per-minute` are for other plans.
"""

import argparse
import math
import re
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
# How busy a core may be: what is left is for rushes, and for a host that fails.
BUSY = 0.6
CORES_OF_HOST = 8
PING_SECONDS = 20
CONNECTIONS = (10_000, 100_000, 1_000_000)
ROOM = 200
PER_MINUTE = 1.0


@dataclass(frozen=True)
class Figures:
    """What one of each costs: microseconds of CPU, and KiB."""

    delivery: float
    own_delivery: float
    message: float
    ping: float
    handshake: float
    connection: float
    worker: float
    membership: float
    kernel: float
    redis: float
    redis_host: float


@dataclass(frozen=True)
class Plan:
    """What so many connections need."""

    connections: int
    messages: float
    deliveries: float
    cores: int
    hosts: int
    gibibytes: float
    redis_cores: float
    reconnect_seconds: float

    def row(self) -> str:
        """Return it as a line of a table."""
        cells = [
            f"{self.connections:,}",
            f"{self.messages:,.0f}",
            f"{self.deliveries:,.0f}",
            f"{self.cores:,}",
            f"{self.hosts:,}",
            f"{self.gibibytes:.1f}",
            f"{self.redis_cores:.2f}" if self.hosts > 1 else "none",
            f"{self.reconnect_seconds:.0f}",
        ]
        return f"| {' | '.join(cells)} |"


def figures(results: str) -> Figures:
    """Return the figures of a text of results; exit if one is missing."""
    shared = _cell(results, "broadcast: .*members 200, handler shared", "CPU us/delivery")
    own = _cell(results, "broadcast: .*members 200, handler per-consumer", "CPU us/delivery")
    idle = "channels-idle: .*middleware auth"
    one, ten = (_cost(results, rf"redis: ([\d.]+) us .*hosts {hosts},") for hosts in (1, 10))
    return Figures(
        delivery=shared,
        own_delivery=own,
        message=_cell(results, "channels-echo: ", "CPU us/message"),
        ping=_cell(results, "echo: ", "CPU us/message"),
        handshake=_cell(results, idle, "CPU us/handshake"),
        connection=_cell(results, idle, "KiB/connection"),
        worker=_cell(results, idle, "RSS before MiB") * 1024,
        membership=_cost(results, r"membership: ([\d.]+) bytes") / 1024,
        kernel=_cost(results, r"kernel: ([\d,]+) bytes") / 1024,
        redis=one - (ten - one) / 9,
        redis_host=(ten - one) / 9,
    )


def plan(found: Figures, connections: int, room: int, per_minute: float) -> Plan:
    """Return what people need of whom each says so much in a room of so many."""
    messages = connections * per_minute / 60
    deliveries = messages * room
    own = messages * found.message + connections / PING_SECONDS * found.ping
    spread = deliveries * found.delivery + own
    workers = _workers(spread)
    # Each worker that has members of the room handles the message once; that makes more workers.
    while (needed := _workers(spread + messages * min(workers, room) * found.message)) > workers:
        workers = needed
    hosts = math.ceil(workers / CORES_OF_HOST)
    each = found.connection + found.membership + found.kernel
    memory = connections * each + workers * found.worker
    return Plan(
        connections,
        messages,
        deliveries,
        workers,
        hosts,
        memory / 1024**2,
        messages * (found.redis + hosts * found.redis_host) / 1e6,
        connections * found.handshake / 1e6 / workers,
    )


def _workers(microseconds: float) -> int:
    return math.ceil(microseconds / 1e6 / BUSY)


def _cell(results: str, head: str, column: str) -> float:
    """Return casgi's figure in a column of the first table whose first line begins so."""
    found = re.search(rf"^{head}.*\n(server.*)\n(casgi .*)$", results, re.MULTILINE)
    if found is None:
        raise SystemExit(f"{RESULTS.name} has no table that begins with {head}")
    names, cells = (re.split(r"\s{2,}", line.strip()) for line in found.groups())
    return _number(cells[names.index(column)])


def _cost(results: str, pattern: str) -> float:
    found = re.search(pattern, results)
    if found is None:
        raise SystemExit(f"{RESULTS.name} has no line of `python -m bench.costs` like {pattern}")
    return _number(found[1])


def _number(cell: str) -> float:
    return float(cell.split()[0].replace(",", ""))


def rates(found: Figures) -> list[str]:
    """Return the table of what one core does in a second."""
    rows = (
        ("deliveries of group messages, shared by the members", found.delivery),
        ("deliveries of group messages, a text for each member", found.own_delivery),
        ("messages that consumers receive and answer", found.message),
        ("new connections, with session and user", found.handshake),
    )
    lines = ["| one core | CPU us | a second |", "|---|---|---|"]
    return lines + [f"| {what} | {cost:g} | {BUSY * 1e6 / cost:,.0f} |" for what, cost in rows]


def plans(found: Figures, numbers: tuple[int, ...], room: int, per_minute: float) -> list[str]:
    """Return the table of the plans."""
    names = ("connections", "messages a second", "deliveries a second", "cores", "hosts", "GiB")
    head = f"| {' | '.join((*names, 'Redis, cores', 'all come back, s'))} |"
    made = [plan(found, number, room, per_minute) for number in numbers]
    return [head, "|" + "---|" * 8, *(one.row() for one in made)]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument("--room", type=int, default=ROOM, help="members of a room (%(default)s)")
    parser.add_argument(
        "--per-minute", type=float, default=PER_MINUTE, help="messages of each (%(default)s)"
    )
    given = parser.parse_args()
    found = figures(RESULTS.read_text())
    print("\n".join(rates(found)), end="\n\n")
    print("\n".join(plans(found, tuple(given.connections), given.room, given.per_minute)))


if __name__ == "__main__":
    main()
