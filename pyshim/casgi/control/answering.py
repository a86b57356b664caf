"""What one process answers to a command, whoever passes it on."""

from typing import Any

from casgi.control.commands import COMMANDS
from casgi.control.commands.command import Command
from casgi.control.process import Process
from casgi.control.protocol import Answer, Arguments, ControlError, Row


def command_of(request: dict[str, Any]) -> tuple[Command, Arguments]:
    """Return what a request asks for, checked; raise ControlError."""
    command = COMMANDS.get(str(request.get("command")))
    if command is None:
        known = ", ".join(COMMANDS)
        raise ControlError(f"there is no command {request.get('command')!r}: there are {known}")
    arguments = request.get("arguments") or {}
    if not isinstance(arguments, dict):
        raise ControlError("the arguments are an object of JSON")
    command.check(arguments)
    return command, arguments


def rows_of(process: Process, command: Command, arguments: Arguments) -> list[Row]:
    """Return what a process says; raise ControlError, also for what goes wrong with it."""
    assert command.in_process is not None
    try:
        return command.in_process(process, arguments)
    except ControlError:
        raise
    except Exception as error:
        raise ControlError(f"{command.name} has failed: {type(error).__name__}: {error}") from error


def answer_of(process: Process, request: dict[str, Any]) -> Answer:
    """Return the answer of a process that is asked by its supervisor."""
    try:
        return {"rows": rows_of(process, *command_of(request))}
    except ControlError as error:
        return {"error": str(error)}
