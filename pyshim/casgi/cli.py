"""The command `casgi`: daphne's options in both spellings, casgi's own, and CASGI_* variables."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias, get_args

import click

from casgi import __version__
from casgi.config import DEFAULT_HOST, DEFAULT_PORT, Config, SlowConsumerPolicy
from casgi.daphne_command import casgi_command
from casgi.errors import CasgiError, ConfigError
from casgi.importer import import_application
from casgi.logging import DEFAULT_FORMAT, configure, enable_own_loggers
from casgi.process import run_process
from casgi.server import Server

_DEFAULT = Config()
_APPLICATION_FAILED = 1


Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]


def _seconds(name: str, *short: str, help: str, zero_is_never: bool = True) -> Decorator:
    """Declare an option whose value of -1 is never, as for daphne; so is 0 unless it has a use."""

    def none_if_never(context: object, parameter: object, seconds: float | None) -> float | None:
        if seconds is None or seconds < 0 or (seconds == 0 and zero_is_never):
            return None
        return seconds

    default = getattr(_DEFAULT, name)
    return click.option(
        *short,
        "--" + name.replace("_", "-"),
        type=click.FLOAT,
        callback=none_if_never,
        metavar="SECONDS",
        default=None if default is None else f"{default:g}",
        show_default="never" if default is None else True,
        help=help,
    )


def _size(name: str, help: str) -> Decorator:
    return click.option(
        "--" + name.replace("_", "-"),
        type=click.INT,
        default=getattr(_DEFAULT, name),
        show_default=True,
        help=help,
    )


def _print_casgi_command(context: click.Context, parameter: object, line: str | None) -> None:
    if line is None:
        return
    try:
        click.echo(casgi_command(line))
    except ConfigError as error:
        click.echo(f"casgi: {error}", err=True)
        context.exit(error.exit_code)
    context.exit()


@click.command(
    context_settings={
        "auto_envvar_prefix": "CASGI",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        # daphne writes some options with _ and others with -: take either for all.
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
    epilog="Every option can be given in the environment too: --http-timeout as CASGI_HTTP_TIMEOUT."
    " Times are in seconds, and -1 is never.",
)
@click.argument("application", envvar="CASGI_APPLICATION")
@click.option("-b", "--bind", help=f"Host or address to listen on. [default: {DEFAULT_HOST}]")
@click.option("-p", "--port", type=click.INT, help=f"TCP port. [default: {DEFAULT_PORT}]")
@click.option("-u", "--unix-socket", help="Listen on a Unix socket of this path.")
@click.option("--fd", type=click.INT, help="Listen on an inherited file descriptor.")
@click.option(
    "-e",
    "--endpoint",
    "endpoints",
    multiple=True,
    envvar="CASGI_ENDPOINT",
    metavar="STRING",
    help='Listen here too, as Twisted writes it: "tcp:8000:interface=127.0.0.1". Repeatable.',
)
@click.option(
    "-v",
    "--verbosity",
    type=click.IntRange(0, 3),
    default=1,
    show_default=True,
    help="0 warnings, 1 information and access log, 2 debugging, 3 asyncio's debugging too.",
)
@click.option("--access-log", help="File to append the access log to, - for standard output.")
@click.option(
    "--access-log-format",
    default=_DEFAULT.access_log_format,
    show_default=True,
    metavar="FORMAT",
    help="ncsa, combined, json, or a text with fields: '{client} {request} {status} {duration}'.",
)
@click.option(
    "--log-fmt", default=DEFAULT_FORMAT, help="Format of log lines, as Python's logging, or json."
)
@click.option(
    "--log-config",
    type=click.Path(dir_okay=False),
    help="File that sets up logging instead: .json for dictConfig, else as fileConfig reads it.",
)
@click.option(
    "--app-dir",
    default=".",
    show_default=True,
    help="Folder to import the application from.",
)
@click.option(
    "--proxy-headers",
    is_flag=True,
    help="Take the client's address and scheme from X-Forwarded-For, -Port and -Proto.",
)
@click.option(
    "--proxy-headers-host",
    metavar="HEADER",
    help="Header with the client's address, instead of X-Forwarded-For.",
)
@click.option(
    "--proxy-headers-port",
    metavar="HEADER",
    help="Header with the client's port, instead of X-Forwarded-Port.",
)
@click.option(
    "--trusted-proxies",
    metavar="NETWORKS",
    default=_DEFAULT.trusted_proxies,
    show_default=True,
    help="Whose proxy headers are believed: 127.0.0.1,10.0.0.0/8, or * for everybody's.",
)
@click.option("--root-path", default="", help="The ASGI root_path.")
@click.option(
    "--lifespan",
    type=click.Choice(["auto", "on", "off"]),
    default=_DEFAULT.lifespan,
    show_default=True,
    help="Whether to run the application's lifespan; auto goes on without if it has none.",
)
@click.option(
    "--accelerate/--no-accelerate",
    default=_DEFAULT.accelerate,
    show_default=True,
    help="Whether casgi's dispatch and layers stand in for those of Channels.",
)
@click.option(
    "--verify-shared",
    is_flag=True,
    help="For staging: run shareable handlers for each consumer too, and report differences.",
)
@_seconds("http_timeout", "-t", help="Longest time for a whole HTTP request and its response.")
@_seconds("header_timeout", help="Longest time to wait for the head of a request.")
@_seconds("keep_alive_timeout", help="How long an idle HTTP connection is kept.")
@_seconds("websocket_timeout", help="Longest time for a WebSocket to stay open.")
@_seconds("websocket_connect_timeout", help="Longest time for the application to accept one.")
@_seconds("ping_interval", help="Time between the pings that a WebSocket is sent.")
@_seconds("ping_timeout", help="Time without an answer to a ping that closes a WebSocket.")
@_seconds(
    "application_close_timeout",
    help="Time for an application to end after its client has gone, and at shutdown.",
    zero_is_never=False,
)
@_size("websocket_max_message_size", "Most bytes of an incoming message; 0 is no limit.")
@_size("websocket_max_frame_size", "Most bytes of an incoming frame; 0 is no limit.")
@_size("request_buffer_size", "Most bytes of a request's body in one event.")
@_size("max_head_size", "Most bytes of a request line and its headers.")
@_size("max_headers", "Most headers of a request.")
@_size("write_high_water", "Bytes waiting to be written above which send() waits.")
@_size("write_backlog_limit", "Most bytes of group messages that wait for a slow client.")
@click.option(
    "--slow-consumer",
    type=click.Choice(get_args(SlowConsumerPolicy)),
    default=_DEFAULT.slow_consumer,
    show_default=True,
    help="What is done when that is reached: close the client, or drop group messages.",
)
@click.option(
    "-s",
    "--server-name",
    default=_DEFAULT.server_name,
    show_default=True,
    help="Value of the Server header.",
)
@click.option("--no-server-name", is_flag=True, help="Send no Server header.")
@click.option("--date-header/--no-date-header", default=True, help="Whether to send a Date header.")
@click.option(
    "--from-daphne",
    metavar="COMMAND",
    is_eager=True,
    expose_value=False,
    allow_from_autoenv=False,
    callback=_print_casgi_command,
    help='Print the casgi command for a daphne command: "daphne -p 8001 project.asgi:application".',
)
@click.version_option(__version__, message="casgi %(version)s", allow_from_autoenv=False)
def main(
    application: str,
    app_dir: str,
    verbosity: int,
    log_fmt: str,
    log_config: str | None,
    **settings: Any,
) -> None:
    """Serve an ASGI application, for example `casgi project.asgi:application`."""
    try:
        configure(verbosity, log_fmt, log_config)
        config = make_config(verbosity, **settings)
        server = Server(load_application(application, app_dir), config)
        run_process(server, debug=True if verbosity == 3 else None)
    except CasgiError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        click.echo(f"casgi: {error}", err=True)
        sys.exit(error.exit_code)


def make_config(
    verbosity: int,
    *,
    access_log: str | None,
    server_name: str | None,
    no_server_name: bool,
    **settings: Any,
) -> Config:
    """Return the Config for what the command line says."""
    if access_log is None and verbosity >= 1 and sys.stdout is not None:
        access_log = "-"
    if no_server_name or not server_name:
        server_name = None
    return Config(access_log=access_log, server_name=server_name, **settings)


def load_application(name: str, app_dir: str) -> Any:
    """Import the application from app_dir; exit with its traceback if it fails."""
    if not os.path.isdir(app_dir):
        raise ConfigError(f'the folder "{app_dir}" of --app-dir is not there')
    sys.path.insert(0, os.path.abspath(app_dir))
    try:
        return import_application(name)
    except CasgiError:
        raise
    except Exception as error:
        _print_application_traceback(error)
        click.echo(f'casgi: importing "{name}" failed, see above', err=True)
        sys.exit(_APPLICATION_FAILED)
    finally:
        enable_own_loggers()


def _print_application_traceback(error: Exception) -> None:
    """Print the traceback from where the project's own code begins."""
    frame = error.__traceback__
    while frame is not None and _is_machinery(frame.tb_frame.f_code.co_filename):
        frame = frame.tb_next
    # A syntax error has no frame of its own: its text names the file.
    traceback.print_exception(error.with_traceback(frame))


def _is_machinery(filename: str) -> bool:
    is_importlib = "importlib" in filename
    return is_importlib or os.path.dirname(filename) == os.path.dirname(__file__)
