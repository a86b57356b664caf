"""Large bodies and clients that never read: how far the server's memory grows at its highest."""

import argparse
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench import transfers
from bench.apps import MEBIBYTE
from bench.errors import BenchError
from bench.process import Launch
from bench.scenarios.scenario import Metric, Scenario, positive
from bench.usage import SessionUsage

TRANSFERS = {"upload": transfers.upload, "download": transfers.download}
UNREAD_REQUESTS = {
    "response": (transfers.UNREAD_RESPONSE, b"200"),
    "websocket": (transfers.UNREAD_WEBSOCKET, b"101"),
}
SETTLED_KIB = 64
SETTLED_SECONDS = 1.0
UNREAD_SECONDS = 15.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Memory(Scenario):
    """One upload, one download, one unread response and one unread WebSocket.

    Each has a server of its own: memory that one has left behind would hide what the next takes.
    """

    mebibytes: int

    name = "memory"
    summary = "growth of the resident memory by large bodies and by clients that never read"
    application = "bench.apps:memory"
    compared = ()
    metrics = (
        Metric("upload_mib", "upload MiB", 1),
        Metric("download_mib", "download MiB", 1),
        Metric("unread_response_mib", "unread response MiB", 1),
        Metric("unread_websocket_mib", "unread WebSocket MiB", 1),
        Metric("upload_cpu", "upload CPU s", 2),
        Metric("download_cpu", "download CPU s", 2),
    )

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the size of the upload and of the download."""
        parser.add_argument("--mebibytes", type=positive, default=1024, help="of each body")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Take the options as they are."""
        return [cls(options.mebibytes)]

    def settings(self) -> Mapping[str, float | str]:
        """Return the size of a body."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Do each in turn; the large ones after a small one has warmed the code paths."""
        figures: dict[str, float] = {}
        for name, transfer in TRANSFERS.items():
            with _naming(name), launch() as server:
                transfer(server.port, 0)
                growth, cpu = Growth(server.usage), server.usage.cpu()
                transfer(server.port, self.mebibytes * MEBIBYTE)
                figures[f"{name}_mib"] = growth.mebibytes()
                figures[f"{name}_cpu"] = (server.usage.cpu() - cpu).total
        for name, (request, status) in UNREAD_REQUESTS.items():
            with _naming(f"unread {name}"), launch() as server:
                growth = Growth(server.usage)
                with transfers.unread(server.port, request, status):
                    _wait_until_settled(server.usage)
                    figures[f"unread_{name}_mib"] = growth.mebibytes()
        return figures


class Growth:
    """The growth of the resident memory, at its highest, since this object was made."""

    def __init__(self, usage: SessionUsage) -> None:
        self._usage = usage
        usage.reset_peak()
        self._before = usage.resident_kib()

    def mebibytes(self) -> float:
        """Return the growth so far."""
        return max(0, self._usage.peak_kib() - self._before) / 1024


@contextlib.contextmanager
def _naming(part: str) -> Iterator[None]:
    """Say in which part a measurement failed."""
    try:
        yield
    except (BenchError, OSError) as error:
        raise BenchError(f"{part}: {error}") from error


def _wait_until_settled(usage: SessionUsage) -> None:
    """Wait until the server's memory has stood still for a while."""
    deadline = time.monotonic() + UNREAD_SECONDS
    level, since = usage.resident_kib(), time.monotonic()
    while time.monotonic() - since < SETTLED_SECONDS:
        if time.monotonic() > deadline:
            raise BenchError(f"the memory still grew {UNREAD_SECONDS:.0f} s after the request")
        time.sleep(POLL_SECONDS)
        now = usage.resident_kib()
        if abs(now - level) > SETTLED_KIB:
            level, since = now, time.monotonic()
