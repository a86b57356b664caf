"""A static file: casgi's --static, Starlette's StaticFiles and Django's handler on each server."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import clients
from bench.process import Launch
from bench.scenarios.hello import Hello
from bench.scenarios.scenario import choices, positive
from bench.servers import Server

WAYS = ("static", "application", "django")

DJANGO = "bench.django_site.static_handler:application"


@dataclass(frozen=True)
class Static(Hello):
    """Keep-alive connections of wrk to one file."""

    size: int
    way: str

    name = "static"
    summary = (
        "CPU per request of a static file: casgi's --static, Starlette's and Django's handlers"
    )
    application = "bench.static_site:application"
    path = "/static/page.css"

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the size, and who serves it under casgi."""
        super().add_options(parser)
        parser.add_argument("--size", type=positive, default=10_000, help="bytes of the file")
        parser.add_argument(
            "--way",
            type=choices(*WAYS),
            default="static,application",
            metavar="LIST",
            help="casgi has --static; Starlette serves the file; or Django's handler does",
        )

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each way."""
        clients.require_wrk()
        return [cls(options.connections, options.seconds, options.size, way) for way in options.way]

    def application_for(self, server: Server) -> str:
        """Return the application of the way."""
        return DJANGO if self.way == "django" else self.application

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Measure as `hello`, with a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="bench-static-") as folder:
            Path(folder, "page.css").write_bytes(b"x" * self.size)
            environment = {"BENCH_STATIC_FOLDER": folder}
            if self.way == "static":
                environment["CASGI_STATIC"] = f"/static/={folder}"
            with launch(environment, self.path) as server:
                return self._load(server)
