"""What to write instead of an option that other servers have and casgi has not, or calls otherwise.

Where the meaning is the same the other name is taken too.
"""

from collections.abc import Sequence

import click

# uvicorn's and hypercorn's names of the same thing.
ALIASES = {"host": "bind", "uds": "unix-socket"}

_OF_RUNSERVER = "it is an option of manage.py runserver"
_BY_A_MANAGER = "a service manager does that, as systemd or supervisor"
_HINTS = {
    "log-level": "-v 0 is warnings, -v 1 information (the default), -v 2 debugging",
    "reload-delay": "--reload waits no longer than a save takes",
    "reload-engine": "--reload uses watchfiles",
    "worker-class": "there is one kind; --workers says how many",
    "max-requests-jitter": "each worker's limit is up to a fifth below --max-requests",
    "factory": "for the application write 'module:function()', in quotes",
    "chdir": "--app-dir names the folder to import from",
    "limit-concurrency": "write --max-concurrent-requests, or --max-connections",
    "timeout": "--http-timeout is the longest time for a request",
    "graceful-timeout": "write --application-close-timeout",
    "timeout-graceful-shutdown": "write --application-close-timeout",
    "timeout-keep-alive": "write --keep-alive-timeout",
    "keep-alive": "write --keep-alive-timeout",
    "forwarded-allow-ips": "write --trusted-proxies, and --proxy-headers",
    "access-logfile": "write --access-log",
    "error-logfile": "the log goes to standard error, or where --log-config says",
    "log-file": "the log goes to standard error, or where --log-config says",
    "use-colors": "there are none",
    "ws-max-size": "write --websocket-max-message-size",
    "ws-ping-interval": "write --ping-interval",
    "ws-ping-timeout": "write --ping-timeout",
    "h11-max-incomplete-event-size": "write --max-head-size",
    "date": "write --date-header or --no-date-header",
    "server": "write --server-name or --no-server-name",
    "server-header": "write --server-name or --no-server-name",
    **dict.fromkeys(("http", "ws"), "there is one kind, and it is built in"),
    "loop": "it is asyncio's own, on libuv; casgi.serve() runs in any other",
    "interface": "it is ASGI, of either version",
    "env-file": "the environment is set by who starts casgi",
    "settings": "set DJANGO_SETTINGS_MODULE in the environment",
    "pythonpath": "--app-dir names the folder to import from",
    "preload": "each worker imports the application by itself",
    "backlog": "it is as long as the system lets it be",
    "certfile": "write --ssl-certfile",
    "keyfile": "write --ssl-keyfile",
    "ca-certs": "write --ssl-ca-certs",
    "debug": "write -v 2",
    **dict.fromkeys(("daemon", "pid", "user", "group", "umask"), _BY_A_MANAGER),
    **dict.fromkeys(("nothreading", "noreload", "nostatic", "insecure"), _OF_RUNSERVER),
}
_SHORT = {"-k": "worker-class", "-D": "daemon"}


def normal_name(name: str) -> str:
    """Return an option's name, without its dashes, as casgi declares it."""
    # daphne writes some options with _ and others with -: either is taken for all.
    name = name.replace("_", "-")
    return ALIASES.get(name, name)


def with_hint(error: click.NoSuchOption) -> click.UsageError:
    """Return the error to show for an option that is not there."""
    option = error.option_name
    name = _SHORT.get(option, option.lstrip("-").removeprefix("no-"))
    hint = _HINTS.get(name.replace("_", "-"))
    if hint is None:
        return error
    return click.UsageError(f"there is no option {option}: {hint}", error.ctx)


def too_many(arguments: Sequence[str], context: click.Context) -> click.UsageError:
    """Return the error to show for arguments behind the application."""
    host, _, port = arguments[0].rpartition(":")
    if len(arguments) > 1 or not port.isdecimal():
        return click.UsageError(
            f"there is more than an application: {' '.join(arguments)}", context
        )
    bind = f"--bind {host} " if host else ""
    return click.UsageError(f"where to listen is an option: write {bind}--port {port}", context)


def split_host_and_port(bind: str) -> tuple[str, str] | None:
    """Return host and port of what gunicorn's -b takes, None for a host or address alone."""
    host, colon, port = bind.rpartition(":")
    is_split = colon and port.isdecimal() and (":" not in host or host.endswith("]"))
    return (host, port) if is_split else None


NO_LOG: Sequence[str] = ("none", "null", "off", "no", "false", "")
"""What people write who want no access log."""
