"""Raw ASGI hello over keep-alive connections with TLS: what encrypting costs the server."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench import clients
from bench.scenarios.hello import Hello
from bench.scenarios.scenario import choices
from bench.servers import Server

APPLICATIONS = {"small": "bench.apps:hello", "large": "bench.apps:large_hello"}


@dataclass(frozen=True)
class TlsHello(Hello):
    """The connections of `hello`, each with its handshake before the measurement."""

    body: str

    name = "tls-hello"
    summary = "CPU per HTTPS request of a raw ASGI hello, and without TLS"
    servers = "casgi-tls,casgi,uvicorn-tls,uvicorn"
    reference = "casgi-tls"

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the size of the answer to the options of a request."""
        super().add_options(parser)
        parser.add_argument(
            "--body",
            type=choices(*APPLICATIONS),
            default="small,large",
            metavar="LIST",
            help="14 bytes, or 10 kilobytes",
        )

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each size."""
        clients.require_wrk()
        return [cls(options.connections, options.seconds, body) for body in options.body]

    def settings(self) -> Mapping[str, float | str]:
        """Return connections, seconds and the size."""
        return asdict(self)

    def application_for(self, server: Server) -> str:
        """Return the application that answers with so much."""
        return APPLICATIONS[self.body]
