"""The settings of several workers, and of what joins their groups: a part of Config."""

from dataclasses import dataclass
from typing import Literal

from casgi import option_checks as checks
from casgi.client_config import ClientConfig
from casgi.cpus import available_cpus
from casgi.errors import ConfigError
from casgi.options import Section, is_set, number, number_or_auto, seconds, text
from casgi.unix_sockets import check_mode, check_owner

MOST_WORKERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersConfig(ClientConfig):
    """How many processes serve, and how they come, go and reach each other."""

    workers: int | Literal["auto"] = number_or_auto(
        1,
        Section.WORKERS,
        "Processes that serve; auto is one for each CPU. With 1 there is no supervisor.",
        short="-w",
        most=MOST_WORKERS,
        is_of_core=False,
    )
    worker_timeout: float | None = seconds(
        30.0,
        Section.WORKERS,
        "Longest time that a worker's event loop may be held up before the worker is replaced.",
        is_of_core=False,
    )
    worker_busy_after: float | None = seconds(
        0.02,
        Section.WORKERS,
        "Time in one turn of its event loop after which a worker is passed no connections.",
        is_of_core=False,
    )
    worker_start_timeout: float | None = seconds(
        90.0,
        Section.WORKERS,
        "Longest time that a worker may take to import and start the application.",
        is_of_core=False,
    )
    max_requests: int = number(
        0,
        Section.WORKERS,
        "Requests after which a worker is replaced, or up to a fifth before; 0 is no limit.",
        least=0,
        is_of_core=False,
    )
    max_rss: int = number(
        0,
        Section.WORKERS,
        "MiB of memory at which a worker is replaced; 0 is no limit.",
        least=0,
        is_of_core=False,
    )
    worker_lifetime: float | None = seconds(
        None,
        Section.WORKERS,
        "Age at which a worker is replaced, or up to a fifth before.",
        is_of_core=False,
    )
    hub: str | None = text(
        None,
        Section.WORKERS,
        "Unix socket by which other processes reach the groups; without it only the workers do.",
        metavar="PATH",
        checked_by=checks.not_empty,
        is_of_core=False,
    )
    hub_mode: str = text(
        "600",
        Section.WORKERS,
        "Permissions of that socket, octal.",
        metavar="MODE",
        checked_by=check_mode,
        is_of_core=False,
    )
    hub_owner: str | None = text(
        None,
        Section.WORKERS,
        "Its owner: user, user:group or :group.",
        metavar="OWNER",
        checked_by=check_owner,
        is_of_core=False,
    )
    linger: float | None = seconds(
        10.0,
        Section.WORKERS,
        "How long a worker that is replaced keeps idle connections for one more request.",
        zero_is_never=False,
        is_of_core=False,
    )
    drain: float | None = seconds(
        5.0,
        Section.WORKERS,
        "Time over which many WebSockets are closed, at a reload and at the stop.",
        zero_is_never=False,
        is_of_core=False,
    )

    def check_hub(self) -> None:
        """Raise ConfigError when there is a mode or an owner for no socket."""
        for name in ("hub_mode", "hub_owner"):
            if is_set(self, name) and self.hub is None:
                raise ConfigError(f"{name} has no effect without hub, the path of its socket")

    def worker_count(self) -> int:
        """Return how many processes serve."""
        return min(available_cpus(), MOST_WORKERS) if self.workers == "auto" else self.workers

    def unused_limits(self) -> list[str]:
        """Return the settings by which a worker is replaced, as far as there is nobody to do it."""
        limits = ("max_requests", "max_rss", "worker_lifetime")
        return [name for name in limits if self.worker_count() == 1 and is_set(self, name)]

    def seconds_to_leave(self) -> float | None:
        """Return how long a worker that is replaced may take, None for ever."""
        times = (self.linger, self.drain, self.application_close_timeout)
        known = [each for each in times if each is not None]
        return sum(known) if len(known) == len(times) else None
