"""Where threads and tasks of the workers stand."""

import asyncio
import contextlib
import threading

import click

from casgi.control.commands.command import Command, Target
from casgi.control.process import Process
from casgi.control.protocol import Arguments, Row
from casgi.unfinished import task_stack, thread_stack

_MOST_TASKS = 100


def _stacks(process: Process, arguments: Arguments) -> list[Row]:
    rows = [_row(process, f"thread {thread.name}", thread_stack(thread)) for thread in _threads()]
    tasks: list[asyncio.Task[object]] = []
    # The set of all tasks may change while it is looked at from this thread.
    with contextlib.suppress(RuntimeError):
        tasks = list(asyncio.all_tasks(process.loop))
    for task in tasks[:_MOST_TASKS]:
        rows.append(_row(process, f"task {task.get_name()}", task_stack(task)))
    if len(tasks) > _MOST_TASKS:
        rows.append(_row(process, f"and {len(tasks) - _MOST_TASKS} tasks more", ""))
    return rows


def _target(arguments: Arguments) -> Target | None:
    worker = arguments.get("worker")
    return None if worker is None else Target("worker", worker)


def _threads() -> list[threading.Thread]:
    own = threading.current_thread()
    return [thread for thread in threading.enumerate() if thread is not own]


def _row(process: Process, what: str, stack: str) -> Row:
    return {"worker": process.worker, "what": what, "stack": stack}


STACKS = Command(
    name="stacks",
    help="Show where the threads and tasks of all workers, or of one, stand.",
    parameters=(click.Argument(["worker"], type=click.INT, required=False),),
    columns=("worker", "what"),
    text="stack",
    in_process=_stacks,
    target=_target,
)
