"""Requests and WebSockets whose applications run, and where their code stands."""

from types import FrameType
from typing import Any

from casgi.control.commands.command import MOST, Command, most_of
from casgi.control.process import Process
from casgi.control.protocol import Arguments, Row
from casgi.unfinished import task_frames, thread_frames
from casgi.watchdog import application_frames


def _requests(process: Process, arguments: Arguments) -> list[Row]:
    running = sorted(process.core.running(), key=lambda each: each[3], reverse=True)
    running = running[: arguments.get("most") or len(running)]
    return [_row(process, *each) for each in running]


def _row(
    process: Process, number: int, scope: dict[str, Any], task: Any, seconds: float, traffic: Any
) -> Row:
    return {
        "worker": process.worker,
        "connection": process.connection_name(number) if number else "-",
        "method": scope.get("method", "WEBSOCKET"),
        "path": scope.get("path"),
        "seconds": round(seconds, 3),
        "at": _place(task_frames(task) if task is not None else []) or _place(_running(process)),
    }


def _running(process: Process) -> list[FrameType]:
    """Return the frames of the application's that hold the loop just now."""
    return application_frames(thread_frames(process.loop_thread))


def _place(frames: list[FrameType]) -> str:
    if not frames:
        return ""
    code = frames[-1].f_code
    return f"{code.co_filename}:{frames[-1].f_lineno} in {code.co_name}"


REQUESTS = Command(
    name="requests",
    help="List requests and WebSockets whose application runs, the longest first.",
    parameters=(MOST,),
    columns=("worker", "connection", "method", "path", "seconds", "at"),
    in_process=_requests,
    gather=lambda rows, arguments: most_of(rows, "seconds", arguments),
)
