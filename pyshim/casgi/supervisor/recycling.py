"""When a worker has done or grown so much, or is so old, that another one takes its place."""

import random
from dataclasses import dataclass

from casgi.config import Config
from casgi.process_usage import resident_bytes

# Each worker's limits are up to so much lower: those that were started together end apart.
_JITTER = 0.2
_MIB = 1024 * 1024
# Seconds in which a worker has hardly grown: the limit may be one that none can keep.
_YOUNG = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may do; 0 or None is no limit."""

    requests: int = 0
    rss: int = 0
    """Bytes; every worker grows in its own time, so that this has no jitter."""
    lifetime: float | None = None

    @classmethod
    def of(cls, config: Config) -> "Limits":
        """Return those of the next worker."""
        share = 1.0 - random.uniform(0.0, _JITTER)
        lifetime = config.worker_lifetime
        return cls(
            requests=max(1, round(config.max_requests * share)) if config.max_requests else 0,
            rss=config.max_rss * _MIB,
            lifetime=None if lifetime is None else lifetime * share,
        )

    def reached(self, pid: int, requests: int, age: float) -> str | None:
        """Return what a worker has reached, as the log says it; None if nothing."""
        if self.requests and requests >= self.requests:
            return f"{requests} requests"
        if self.lifetime is not None and age >= self.lifetime:
            return f"{age:.0f} s"
        if self.rss and (rss := resident_bytes(pid)) >= self.rss:
            doubt = f" {age:.0f} s after its start (is --max-rss too low?)" if age < _YOUNG else ""
            return f"{rss // _MIB} MiB{doubt}"
        return None
