"""What the scenarios with a group have in common: its clients, and the figures of a delivery."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.clients import Members
from bench.errors import BenchError
from bench.process import RunningServer
from bench.scenarios.scenario import Metric
from bench.usage import SessionUsage

SPARE_FILES = 200
GRACE_SECONDS = 120.0  # for the round in which the time is up: the slowest take a minute for one

CPU = Metric("cpu_us", "CPU us/delivery", 2)
RATE = Metric("rate", "deliveries/s")
DELIVERIES = Metric("deliveries", "deliveries")
LOST = Metric("lost", "lost")
UNEXPECTED = Metric("unexpected", "unexpected")
FIRST = Metric("first_p50_us", "first us")
MEDIAN = Metric("p50_us", "p50 us")
P99 = Metric("p99_us", "p99 us")
LAST = Metric("last_p50_us", "last us")
LAST_P99 = Metric("last_p99_us", "last p99 us")
BUSY = Metric("busy", "server busy %")


@dataclass(frozen=True)
class Group:
    """The clients of one group, and what they do."""

    members: int
    bytes: int
    burst: int = 1
    path: str = "/"
    greeted: bool = False
    messages: int | None = None
    seconds: float = 3.0

    def measure(
        self, server: RunningServer, redis: SessionUsage | None = None
    ) -> Mapping[str, float]:
        """Divide the CPU time of an interval by the deliveries in it."""
        with Members(server, *self._options()) as members:
            before, redis_before = server.usage.cpu(), redis.cpu().total if redis else 0.0
            run = members.measure(self.seconds, GRACE_SECONDS)
            used = server.usage.cpu() - before
            redis_used = redis.cpu().total - redis_before if redis else 0.0
        deliveries = run["deliveries"]
        if not deliveries:
            raise BenchError(f"none of {run['messages']} messages reached anybody")
        return {
            **run,
            "lost": run["missing"],
            "cpu_us": used.total / deliveries * 1e6,
            "user_us": used.user / deliveries * 1e6,
            "system_us": used.system / deliveries * 1e6,
            "redis_us": redis_used / deliveries * 1e6,
            "rate": deliveries / run["seconds"],
            "busy": used.total / run["seconds"] * 100,
            "client_busy": run["client_cpu_seconds"] / run["seconds"] * 100,
        }

    def _options(self) -> list[str]:
        options = [f"--members={self.members}", f"--bytes={self.bytes}", f"--burst={self.burst}"]
        options += [f"--path={self.path}", f"--seconds={self.seconds}"]
        if self.messages is not None:
            options.append(f"--messages={self.messages}")
        if self.greeted:
            options.append("--greeted")
        return options


def loss(figures: Mapping[str, float]) -> str | None:
    """Return how many messages were lost, repeated or disordered, in words; None if none was."""
    if not figures["lost"] and not figures["unexpected"]:
        return None
    return f"{figures['lost']:,.0f} lost, {figures['unexpected']:,.0f} repeated or out of order"
