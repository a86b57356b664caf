"""`manage.py runserver`: the project's ASGI application on casgi, with Django's autoreloader."""

import contextlib
import sys
from argparse import ArgumentError
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils import autoreload
from django.utils.module_loading import import_string

from casgi import Server, __version__
from casgi.development.console import show_log
from casgi.development.options import add_options, make_runserver_config
from casgi.development.request_log import RequestLog
from casgi.development.sockets import bind_inheritable, inherited_sockets
from casgi.errors import CasgiError
from casgi.legacy import as_asgi3
from casgi.process import exit_within, new_process_loop, run_process
from casgi.sockets import BoundSocket
from casgi.thread_server import ThreadServer

if apps.is_installed("django.contrib.staticfiles"):
    from django.contrib.staticfiles.management.commands.runserver import Command as DjangoCommand
else:
    from django.core.management.commands.runserver import Command as DjangoCommand

# Time for consumers to end at a reload: nobody likes to wait for their own page.
_RELOAD_GRACE = 0.25
# Settings that daphne's runserver reads, where the command line says nothing.
_SETTINGS = {
    "websocket_max_message_size": "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE",
    "websocket_max_frame_size": "DAPHNE_WEBSOCKET_MAX_FRAME_SIZE",
    "root_path": "FORCE_SCRIPT_NAME",
}


class Command(DjangoCommand):  # type: ignore[misc]
    """Serve ASGI_APPLICATION while it is being written."""

    help = "Starts casgi for development: ASGI, WebSocket and static files, with autoreload."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take Django's options, daphne's and casgi's."""
        super().add_arguments(parser)
        # Channels 3 puts a runserver of its own in the place of Django's, with some of the same.
        with contextlib.suppress(ArgumentError):
            parser.add_argument(
                "--noasgi",
                action="store_false",
                dest="use_asgi",
                help="Run Django's own runserver, which serves WSGI.",
            )
        parser.conflict_handler = "resolve"
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, once it is clear what."""
        if options["use_asgi"] and not getattr(settings, "ASGI_APPLICATION", None):
            raise CommandError("Set ASGI_APPLICATION: the server has nothing to serve without.")
        if options["use_asgi"] and self.server_cls is not DjangoCommand.server_cls:
            self.stderr.write(
                f"server_cls = {self.server_cls.__name__} has no effect: casgi is the server."
                " Wrap the application in get_application(), or set options as CASGI_* variables."
            )
        super().handle(*args, **options)

    def run(self, **options: Any) -> None:
        """Bind, and serve in this process or, with the autoreloader, in one it starts anew."""
        if not options["use_asgi"]:
            super().run(**options)
            return
        self._server: ThreadServer | None = None
        self._sockets: list[BoundSocket] = []
        descriptors = inherited_sockets()
        if not descriptors or not options["use_reloader"]:
            descriptors = self._bind()
        self._config = make_runserver_config(_with_settings(options), descriptors)
        code = 0
        try:
            super().run(**options)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
            raise
        finally:
            for bound in self._sockets:
                bound.close()
            if self._server is not None:
                self._server.stop(_RELOAD_GRACE)
                # A view that never comes back must not hold up the reload.
                exit_within(_RELOAD_GRACE, code)

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Serve: in the main thread, or in the one that the autoreloader watches."""
        if not options["use_asgi"]:
            super().inner_run(*args, **options)
            return
        autoreload.raise_last_exception()
        self._check(options)
        try:
            application = RequestLog(self.get_application(options), self.style)
            self._print_banner()
            show_log()
            if options["use_reloader"]:
                self._server = ThreadServer(application, self._config, new_process_loop)
                self._server.run()
            else:
                run_process(Server(application, self._config))
        except CasgiError as error:
            raise CommandError(str(error)) from error
        if options.get("shutdown_message"):
            self.stdout.write(options["shutdown_message"])

    def get_application(self, options: dict[str, Any]) -> Any:
        """Return the project's application, with static files in front where they are served."""
        application = get_default_application()
        if options.get("use_static_handler") and (settings.DEBUG or options["insecure_serving"]):
            from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

            return ASGIStaticFilesHandler(application)
        return application

    def _bind(self) -> list[int]:
        try:
            self._sockets = bind_inheritable(self.addr, int(self.port))
        except CasgiError as error:
            self.stderr.write(f"Error: {error}")
            sys.exit(1)
        return [bound.socket.fileno() for bound in self._sockets]

    def _check(self, options: dict[str, Any]) -> None:
        if not options["skip_checks"]:
            self.stdout.write("Performing system checks...\n\n")
            self.check(display_num_errors=True)
        self.check_migrations()
        for connection in connections.all(initialized_only=True):
            connection.close()

    def _print_banner(self) -> None:
        address = f"[{self.addr}]" if self._raw_ipv6 else self.addr
        self.stdout.write(
            f"{datetime.now():%B %d, %Y - %X}\n"
            f"Django version {self.get_version()}, using settings {settings.SETTINGS_MODULE!r}\n"
            f"Starting ASGI/casgi version {__version__} development server"
            f" at {self.protocol}://{address}:{self.port}/\n"
            "Quit the server with CONTROL-C.\n"
        )


def get_default_application() -> Any:
    """Return what the setting ASGI_APPLICATION names, as ASGI 3."""
    try:
        application = import_string(settings.ASGI_APPLICATION)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"ASGI application {settings.ASGI_APPLICATION!r} could not be loaded: {error}"
        ) from error
    # Now, because what is put around it hides what it takes.
    return as_asgi3(application)


def _with_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options, with what is not given from the project's settings."""
    from_settings = {
        option: getattr(settings, name, None)
        for option, name in _SETTINGS.items()
        if options.get(option) is None
    }
    return {**options, **from_settings}
