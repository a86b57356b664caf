"""Whether the sockets beside those for clients can be had: of the hub, --control and --metrics."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Protocol

from casgi.checking.findings import Finding
from casgi.config import Config
from casgi.control.endpoint import ControlSocket
from casgi.errors import BindError
from casgi.hub.connection import connections
from casgi.hub.folders import is_answered
from casgi.hub.hub_host import HubHost, announce_hub, is_socket
from casgi.status.answering import bind_status
from casgi.unix_sockets import bind_unix

_OF_THIS_SERVER = "that is as it should be if it is the server that this one shall replace"


class _Bound(Protocol):
    def close(self) -> None: ...


def check_own_sockets(config: Config) -> Iterator[Finding]:
    """Take each for a moment."""
    control, metrics = config.control, config.metrics
    if control is not None:
        yield _take("control", control, lambda: ControlSocket(control))
    if metrics is not None:
        yield _take("metrics", metrics, lambda: bind_status(metrics))


def _take(subject: str, name: str, bind: Callable[[], _Bound]) -> Finding:
    try:
        bind().close()
    except BindError as error:
        if "in use" in str(error):
            return Finding("warning", subject, str(error), _OF_THIS_SERVER)
        return Finding("error", subject, str(error))
    return Finding("ok", subject, f"can listen on {name}")


def check_hub(config: Config, until: contextlib.ExitStack) -> Iterator[Finding]:
    """Look at the hub's place. Where it is not yet, have another one, for this process's layers.

    Nobody shall find one at the place itself, which would be gone in a moment.
    """
    if config.hub is None and config.worker_count() == 1:
        return
    if config.hub is not None:
        path = os.path.abspath(config.hub)
        if is_socket(path) and is_answered(path):
            yield Finding("ok", "hub", f"there is one at {path}, which is used")
            announce_hub(config)
            return
        yield _look_at(path, config)
    host = HubHost(Config())
    until.callback(host.close)
    until.callback(_close_connections)  # before the hub, whose end would be an error
    try:
        host.start()
    except BindError as error:
        yield Finding("error", "hub", str(error))


def _close_connections() -> None:
    for connection in connections():
        connection.close()


def _look_at(path: str, config: Config) -> Finding:
    if os.path.lexists(path) and not is_socket(path):
        text = f"cannot start the hub at {path}: there is a file there that is not a socket"
        return Finding("error", "hub", text)
    try:
        # The name that the hub itself takes before it has its own.
        bound, file = bind_unix(f"{path}.{os.getpid()}", int(config.hub_mode, 8), config.hub_owner)
    except (OSError, BindError) as error:
        reason = getattr(error, "strerror", None) or error
        return Finding("error", "hub", f"cannot start the hub at {path}: {reason}")
    if file is not None:
        file.remove()
    bound.close()
    return Finding("ok", "hub", f"can be at {path}")
