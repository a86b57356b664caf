"""Idle Channels consumers: how much resident memory each one costs."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bench.scenarios.idle import Idle
from bench.scenarios.scenario import choices

APPLICATIONS = {
    "auth": "bench.channels_site.asgi:application",
    "bare": "bench.channels_site.asgi:bare",
}


@dataclass(frozen=True)
class ChannelsIdle(Idle):
    """Accepted consumers on which nothing happens, with AuthMiddlewareStack and without."""

    middleware: str

    name = "channels-idle"
    summary = "resident memory per idle Channels consumer"
    path = "/ws/echo/"
    servers = "casgi,daphne,uvicorn"

    @property
    def application(self) -> str:  # type: ignore[override]
        """Return the application with this middleware."""
        return APPLICATIONS[self.middleware]

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the middleware to the number of connections."""
        super().add_options(parser)
        parser.add_argument(
            "--middleware",
            type=choices(*APPLICATIONS),
            default=",".join(APPLICATIONS),
            metavar="LIST",
            help="auth: AuthMiddlewareStack; bare: without",
        )

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each middleware."""
        Idle.from_options(options)
        return [cls(options.connections, middleware) for middleware in options.middleware]
