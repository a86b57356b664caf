"""Connections: those that are open, those whose clients do not keep up, and the end of one."""

from typing import Any

import click

from casgi.control.commands.command import MOST, Command, Target, most_of
from casgi.control.process import Process
from casgi.control.protocol import Arguments, ControlError, Row
from casgi.slow_consumer import describe_user

_KICKED = 1008
"""The close code of who is thrown out: the policy was violated (RFC 6455 section 7.4.1)."""


def connection_rows(process: Process) -> list[Row]:
    """Return what there is to say of each connection, with what it carries."""
    carried: dict[int, Any] = {running[0]: running for running in process.core.running()}
    return [
        _row(process, connection, carried.get(connection[0]))
        for connection in process.core.list_connections()
    ]


def _row(process: Process, connection: tuple[Any, ...], running: Any) -> Row:
    number, host, port, state, protocol, age, unsent, is_secure, silent = connection
    row = {
        "worker": process.worker,
        "connection": process.connection_name(number),
        "client": _address(host, port),
        "kind": protocol or "-",
        "state": state,
        "age": round(age, 3),
        "silent": round(silent, 3),
        "unsent": unsent,
        "secure": is_secure,
        "path": None,
        "user": None,
        "messages_in": 0,
        "messages_out": 0,
        "lost": 0,
    }
    if running is not None:
        _, scope, _, _, traffic = running
        row["path"] = scope.get("path")
        row["client"] = _address(*(scope.get("client") or (host, port)))
        if traffic is not None:
            row["kind"] = "websocket"
            row["messages_in"], row["messages_out"] = traffic[0], traffic[1]
            row["unsent"], row["lost"] = max(unsent, traffic[4]), traffic[5]
            row["user"] = describe_user(scope.get("user"))
    return row


def _address(host: str, port: int | None) -> str:
    if not host:
        return "unix"
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _connections(process: Process, arguments: Arguments) -> list[Row]:
    return most_of(connection_rows(process), "age", arguments)


def _slow(process: Process, arguments: Arguments) -> list[Row]:
    rows = [row for row in connection_rows(process) if row["unsent"] or row["lost"]]
    return most_of(rows, "unsent", arguments)


def _process_of(arguments: Arguments) -> Target:
    pid, dash, number = str(arguments["connection"]).partition("-")
    if not (dash and pid.isdecimal() and number.isdecimal()):
        raise ControlError(
            f"a connection is called as `casgi ctl connections` says, 4711-12,"
            f" not {arguments['connection']!r}"
        )
    return Target("PID", int(pid))


def _kick(process: Process, arguments: Arguments) -> list[Row]:
    name = str(arguments["connection"])
    number = int(name.partition("-")[2])
    code = 0 if arguments.get("now") else int(arguments.get("code") or _KICKED)
    if code and not (code in range(1000, 1015) or code in range(3000, 5000)):
        raise ControlError(f"a close code is from 1000 to 1014 or from 3000 to 4999, not {code}")
    if code in (1004, 1005, 1006):
        raise ControlError(f"no server may send the close code {code} (RFC 6455)")
    core = process.core
    if not process.on_loop(lambda: core.kick(number, code, "closed by the administrator")):
        raise ControlError(f"there is no connection {name}: it may just have ended")
    return [{"worker": process.worker, "connection": name, "closed": True}]


_COLUMNS = ("worker", "connection", "client", "kind", "state", "age", "silent", "unsent")

CONNECTIONS = Command(
    name="connections",
    help="List connections, the oldest first.",
    parameters=(MOST,),
    columns=(*_COLUMNS, "messages_in", "messages_out", "user", "path"),
    in_process=_connections,
    gather=lambda rows, arguments: most_of(rows, "age", arguments),
)
SLOW = Command(
    name="slow",
    help="List slow consumers: connections with unsent bytes, or that have lost group messages.",
    parameters=(MOST,),
    columns=("worker", "connection", "client", "kind", "unsent", "lost", "age", "user", "path"),
    in_process=_slow,
    gather=lambda rows, arguments: most_of(rows, "unsent", arguments),
)
KICK = Command(
    name="kick",
    help="Close a connection: a WebSocket's by a close frame, any other at once.",
    parameters=(
        click.Argument(["connection"]),
        click.Option(["--code"], type=click.INT, help=f"Close code. [default: {_KICKED}]"),
        click.Option(["--now"], is_flag=True, help="Cut it, without a close frame."),
    ),
    columns=("worker", "connection", "closed"),
    in_process=_kick,
    target=_process_of,
)
