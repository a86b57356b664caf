"""The command `casgi`: daphne's options in both spellings, casgi's own, variables and a file."""

import logging
import os
import signal
import sys
import traceback
from typing import Any

import click

from casgi import __version__
from casgi.command import Refusal, SectionedCommand, take_config_file, variable_of
from casgi.command_hints import normal_name
from casgi.command_options import option, settings
from casgi.config import Config
from casgi.control.command_line import control_command
from casgi.daphne_command import casgi_command
from casgi.errors import CasgiError, ConfigError
from casgi.hub.hub_host import announce_hub
from casgi.importer import add_app_dir, import_application, import_hint
from casgi.logging import DEFAULT_FORMAT, configure, enable_own_loggers
from casgi.options import Section
from casgi.process import run_process
from casgi.reloading.reloaded_server import (
    ReloadedServer,
    inherited_channel,
    inherited_sockets,
)
from casgi.server import Server
from casgi.signals import hold_until_served
from casgi.signals_at_start import forget_waiting_signals, let_waiting_signals_come
from casgi.supervisor.handover import take_handover
from casgi.supervisor.inheritance import Inheritance, take_inheritance
from casgi.top.command_line import top_command

logger = logging.getLogger("casgi.server")

_APPLICATION_FAILED = 1

_NO_SUCCESSOR = "--%s has no effect on one process, which nobody replaces: add --workers 2, or more"


def _print_casgi_command(context: click.Context, parameter: object, line: str | None) -> None:
    if line is None:
        return
    try:
        click.echo(casgi_command(line))
    except ConfigError as error:
        raise Refusal(str(error)) from None
    context.exit()


def _complete_command(context: click.Context, parameter: object, incomplete: str) -> list[str]:
    """Offer the other commands where an application could stand too."""
    command = context.command
    names = command.subcommands if isinstance(command, SectionedCommand) else {}
    return [name for name in names if name.startswith(incomplete)]


@click.command(
    cls=SectionedCommand,
    context_settings={
        "auto_envvar_prefix": "CASGI",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": normal_name,
    },
    epilog="Each is a variable of the environment too: --http-timeout is CASGI_HTTP_TIMEOUT;"
    " and a key of [tool.casgi] in pyproject.toml: http_timeout = 30.",
)
@click.argument("application", envvar="CASGI_APPLICATION", shell_complete=_complete_command)
@option(
    Section.APPLICATION,
    "--app-dir",
    default=".",
    show_default=True,
    metavar="PATH",
    help="Folder to import the application from.",
)
@option(
    Section.APPLICATION,
    "--config",
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=take_config_file,
    help="TOML file with options, as [tool.casgi] in it. [default: pyproject.toml]",
)
@option(
    Section.LOGS,
    "-v",
    "--verbosity",
    type=click.IntRange(0, 3),
    default=1,
    show_default=True,
    help="0 warnings, 1 information and access log, 2 debugging, 3 asyncio's debugging too.",
)
@option(
    Section.LOGS,
    "--log-fmt",
    default=DEFAULT_FORMAT,
    metavar="FORMAT",
    help="Format of log lines, as Python's logging, or json.",
)
@option(
    Section.LOGS,
    "--log-config",
    type=click.Path(dir_okay=False),
    help="File that sets up logging instead: .json for dictConfig, else as fileConfig reads it.",
)
@option(Section.LOGS, "--no-access-log", is_flag=True, help="Write no access log.")
@settings
@option(Section.HEADERS, "--no-server-name", is_flag=True, help="Send no Server header.")
@option(
    Section.OTHER,
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
        code = _serve(application, app_dir, config, debug=True if verbosity == 3 else None)
    except CasgiError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        click.echo(f"casgi: {error}", err=True)
        code = error.exit_code
    sys.exit(code)


def _serve(application: str, app_dir: str, config: Config, *, debug: bool | None) -> int:
    """Serve as what this process is among others, or alone; return the exit code.

    What only one of them needs is imported there, so that the others start in less time.
    """
    hold_until_served()
    if (inherited := take_handover()) is not None:
        from casgi.supervisor.worker_server import run_worker

        return run_worker(load_application(application, app_dir), config, inherited, debug)
    if (left := take_inheritance()) is not None:
        return _go_on(application, app_dir, config, left)
    if (channel := inherited_channel()) is not None:
        _begin_alone()
        sockets = inherited_sockets(channel)
        loaded = load_application(application, app_dir)
        return run_process(ReloadedServer(loaded, config, sockets, channel), debug=debug)
    if config.reload:
        from casgi.reloading.reloader import run_reloader

        return run_reloader(config, app_dir)
    if config.worker_count() > 1:
        from casgi.supervisor.supervisor import run_supervisor

        return run_supervisor(config)
    _begin_alone()
    for name in config.unused_limits():
        logger.warning(_NO_SUCCESSOR, name.replace("_", "-"))
    announce_hub(config)
    return run_process(Server(load_application(application, app_dir), config), debug=debug)


def _begin_alone() -> None:
    """Let signals come to a process that nobody else looks after: it has handlers for two."""
    hold_until_served([signal.SIGUSR1, signal.SIGHUP])
    # Nothing to one process, where they would end it, or stop it for ever.
    forget_waiting_signals(signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)
    let_waiting_signals_come()


def _go_on(application: str, app_dir: str, config: Config, left: Inheritance) -> int:
    """Be the supervisor after another one, or say whether this could."""
    if left.is_check:
        from casgi.supervisor.upgrade import check_upgrade

        return check_upgrade(application, app_dir, config, left)
    from casgi.supervisor.supervisor import run_supervisor

    return run_supervisor(config, left)


def _check(
    application: str,
    app_dir: str,
    verbosity: int,
    log_fmt: str,
    log_config: str | None,
    *,
    json: bool,
    **settings: Any,
) -> None:
    """Say what would keep the application from being served; takes casgi's options and --json."""
    from casgi.checking.command import run_checks

    def checked_config() -> Config:
        configure(0, log_fmt, log_config)
        return make_config(verbosity, **settings)

    variables = set(filter(None, map(variable_of, main.params)))
    sys.exit(
        run_checks(
            application, app_dir, make_config=checked_config, variables=variables, as_json=json
        )
    )


main.subcommands["check"] = SectionedCommand(
    "check",
    callback=_check,
    help=_check.__doc__,
    params=[*main.params, click.Option(["--json"], is_flag=True, help="Print an object instead.")],
    context_settings=main.context_settings,
)


main.subcommands["ctl"] = control_command()
main.subcommands["top"] = top_command()


def make_config(
    verbosity: int,
    *,
    access_log: str | None,
    no_access_log: bool,
    server_name: str | None,
    no_server_name: bool,
    **settings: Any,
) -> Config:
    """Return the Config for what the command line says, in a folder that is there."""
    _need_current_folder()
    if access_log is None and verbosity >= 1 and sys.stdout is not None:
        access_log = "-"
    if no_access_log:
        access_log = None
    if no_server_name:
        server_name = None
    return Config(access_log=access_log, server_name=server_name, **settings)


def _need_current_folder() -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise ConfigError(
            "the current folder has been removed: change into the one that stands in its place"
        ) from None


def load_application(name: str, app_dir: str) -> Any:
    """Import the application from app_dir; exit with its traceback if it fails."""
    add_app_dir(app_dir)
    try:
        return import_application(name)
    except CasgiError:
        raise
    except Exception as error:
        _print_application_traceback(error)
        if (hint := import_hint(error)) is not None:
            click.echo(f"casgi: {hint}", err=True)
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
