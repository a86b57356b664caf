"""Pages of Django: what one request costs server, Django and the page, WSGI threads beside."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from bench import clients
from bench.django_site.database import database
from bench.django_site.stacks import STACKS
from bench.process import Launch
from bench.scenarios.hello import Hello
from bench.scenarios.scenario import choices, positive


@dataclass(frozen=True)
class DjangoSync(Hello):
    """Keep-alive connections of wrk to a page, behind a stack of middleware."""

    middleware: str

    name = "django-sync"
    summary = "CPU per request of a sync Django view"
    application = "bench.django_site.asgi:application"
    wsgi_application = "bench.django_site.wsgi:application"
    servers = "casgi,uvicorn,daphne,gunicorn-wsgi"
    path = "/sync/"
    stacks: ClassVar[str] = "default"

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the stack to the options of a request."""
        super().add_options(parser)
        parser.add_argument(
            "--middleware",
            type=choices(*STACKS),
            default=cls.stacks,
            metavar="LIST",
            help=f"some of {','.join(STACKS)}",
        )

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each stack."""
        clients.require_wrk()
        return [cls(options.connections, options.seconds, stack) for stack in options.middleware]

    def settings(self) -> Mapping[str, float | str]:
        """Return connections, seconds and the stack."""
        return asdict(self)

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Measure as `hello`, with a database of its own."""
        with database() as variable:
            environment = {**variable, "BENCH_MIDDLEWARE": self.middleware}
            with launch(environment, self.path) as server:
                return self._load(server)


@dataclass(frozen=True)
class DjangoAsync(DjangoSync):
    """The same with an async view."""

    name = "django-async"
    summary = "CPU per request of an async Django view"
    path = "/async/"
    stacks = "default,none"


@dataclass(frozen=True)
class DjangoCall(DjangoSync):
    """An async view that awaits one call of database_sync_to_async()."""

    name = "django-call"
    summary = "CPU per request of an async view that calls database_sync_to_async()"
    path = "/call/"
    stacks = "none"
    servers = "casgi,casgi-no-accelerate,uvicorn,daphne"


@dataclass(frozen=True)
class DjangoPage(DjangoSync):
    """A template with a query of the database."""

    name = "django-page"
    summary = "CPU per request of a page with a template and a query"
    path = "/page/"


@dataclass(frozen=True)
class DjangoFile(DjangoSync):
    """A FileResponse."""

    size: int

    name = "django-file"
    summary = "CPU per request of Django's FileResponse"
    path = "/file/"
    servers = "casgi,casgi-no-accelerate,uvicorn,daphne,gunicorn-wsgi"

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add the size of the file."""
        super().add_options(parser)
        parser.add_argument("--size", type=positive, default=1_000_000, help="bytes of the file")

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Sequence[Self]:
        """Make a scenario of each stack."""
        clients.require_wrk()
        given = options.connections, options.seconds
        return [cls(*given, stack, options.size) for stack in options.middleware]

    def measure(self, launch: Launch) -> Mapping[str, float]:
        """Measure as the others, with a file of its own."""
        with database() as variable, tempfile.NamedTemporaryFile(prefix="bench-") as file:
            file.write(b"x" * self.size)
            file.flush()
            environment = {
                **variable,
                "BENCH_MIDDLEWARE": self.middleware,
                "BENCH_FILE": file.name,
            }
            with launch(environment, self.path) as server:
                return self._load(server)


@dataclass(frozen=True)
class RestFramework(DjangoSync):
    """A list view of Django REST framework."""

    name = "drf"
    summary = "CPU per request of a list view of Django REST framework"
    path = "/drf/"
