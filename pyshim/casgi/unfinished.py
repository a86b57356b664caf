"""Log lines about applications that do not end: which request, and where its task stands."""

import asyncio
import logging
import sys
import threading
import traceback
from types import FrameType
from typing import TYPE_CHECKING, Any

from casgi import _core

if TYPE_CHECKING:  # Who has no such children does not load it.
    from multiprocessing.process import BaseProcess

logger = logging.getLogger("casgi.server")

# Of one shutdown; hundreds of consumers that hang all hang at the same line.
_MOST_APPLICATIONS = 10
# In one line.
_MOST_NAMED = 3
# The innermost; a stack is as deep as its middleware.
_MOST_FRAMES = 30
_OF_LOOP = asyncio.BaseEventLoop.shutdown_default_executor.__code__
_WAITING_FOR_EXECUTOR = vars(asyncio.BaseEventLoop).get("_do_shutdown", object())
_FRAME_AND_NEXT = (
    ("cr_frame", "cr_await"),
    ("ag_frame", "ag_await"),
    ("gi_frame", "gi_yieldfrom"),
)


def log_overdue(request: str, task: asyncio.Task[Any]) -> None:
    """Write of an application that is cancelled; for `_core.Server.on_overdue`."""
    logger.warning(
        "Application took too long to end after its client had gone, and is cancelled:"
        " %s, waiting at\n%s",
        request,
        task_stack(task),
    )


def log_waiting(core: _core.Server, seconds: float | None) -> None:
    """Write what a shutdown waits for, and how not to."""
    requests = [request for request, _ in core.unfinished()]
    named = ", ".join(requests[:_MOST_NAMED])
    more = len(requests) - _MOST_NAMED
    logger.info(
        "Waiting%s for %d connections and %d application tasks%s%s;"
        " a second Ctrl-C or SIGTERM ends them now",
        "" if seconds is None else f" up to {seconds:.3g} s",
        core.connections,
        core.tasks,
        f": {named}" if named else "",
        f" and {more} more" if more > 0 else "",
    )


def log_waiting_for_exit(seconds: float | None) -> None:
    """Write which threads and children keep a process from ending, if any do."""
    names = [f"thread {thread.name}" for thread in lasting_threads()]
    names += [f"process {child.name}" for child in lasting_children()]
    if names:
        _log_waiting_for(names, seconds)


def log_waiting_longer(seconds: float | None, loop: asyncio.AbstractEventLoop) -> None:
    """Write what else does, where that is what keeps it: tasks, or what Python does at its end."""
    if not (lasting_threads() or lasting_children()):
        names = [f"task {task.get_name()}" for task in lasting_tasks(loop)[:_MOST_NAMED]]
        _log_waiting_for(names or ["what runs at exit"], seconds)


def _log_waiting_for(names: list[str], seconds: float | None) -> None:
    """Write what is waited for, and how not to wait for it."""
    logger.info(
        "Waiting%s for %s; a second Ctrl-C or SIGTERM does not",
        "" if seconds is None else f" up to {seconds:.3g} s",
        ", ".join(names),
    )


def lasting_threads() -> list[threading.Thread]:
    """Return the threads that Python waits for at its end, but for the main and the calling one.

    Those of a ThreadPoolExecutor are among them, though who was made by a daemon is one itself.
    """
    executors = sys.modules.get("concurrent.futures.thread")
    of_executors = list(getattr(executors, "_threads_queues", ()))
    spared = (threading.main_thread(), threading.current_thread())
    return [
        thread
        for thread in threading.enumerate()
        if thread not in spared
        and (not thread.daemon or thread in of_executors)
        and not _is_of_loop(thread)
    ]


def _is_of_loop(thread: threading.Thread) -> bool:
    """Whether asyncio has made it to wait for the threads of its executor."""
    target = getattr(thread, "_target", None)
    return getattr(target, "__func__", None) is _WAITING_FOR_EXECUTOR


def lasting_tasks(loop: asyncio.AbstractEventLoop | None) -> list[asyncio.Task[Any]]:
    """Return the tasks of a loop that go on, but for the loop's own wait for its executor."""
    tasks = asyncio.all_tasks(loop) if loop is not None else ()
    return [task for task in tasks if getattr(task.get_coro(), "cr_code", None) is not _OF_LOOP]


def lasting_children() -> "list[BaseProcess]":
    """Return the children of multiprocessing that Python waits for at its end."""
    module = sys.modules.get("multiprocessing.process")
    return [] if module is None else [x for x in module.active_children() if not x.daemon]


def log_left(loop: asyncio.AbstractEventLoop | None) -> None:
    """Write what keeps a process from ending: tasks that go on, threads, children, or its end."""
    threads, children, tasks = lasting_threads(), lasting_children(), lasting_tasks(loop)
    if threads:
        names = ", ".join(thread.name for thread in threads)
        logger.warning("Exiting without waiting for threads: %s", names)
    for thread in threads:
        logger.warning("Thread %s is at\n%s", thread.name, thread_stack(thread))
    if children:
        named = ", ".join(f"{child.name} (PID {child.pid})" for child in children)
        logger.warning("Exiting without waiting for child processes: %s", named)
    if not (threads or children or tasks) and loop is not None and loop.is_closed():
        stack = thread_stack(threading.main_thread())
        logger.warning("Exiting without waiting for what runs at exit, which is at\n%s", stack)
    for task in tasks[:_MOST_APPLICATIONS]:
        logger.warning(
            "Exiting without waiting for task %s, which goes on though it was cancelled, at\n%s",
            task.get_name(),
            task_stack(task),
        )


def log_unfinished(core: _core.Server, timeout: float | None) -> None:
    """Write of what is there when a shutdown has lasted too long."""
    logger.warning(
        "Still open %s s after the shutdown began: %d connections and %d application tasks;"
        " closing them",
        timeout,
        core.connections,
        core.tasks,
    )
    for request, task in core.unfinished()[:_MOST_APPLICATIONS]:
        logger.warning("Not finished: %s, waiting at\n%s", request, task_stack(task))


def task_stack(task: asyncio.Future[Any]) -> str:
    """Return the lines of code at which a task and all that it awaits stand, the innermost last."""
    return format_frames(task_frames(task))


def task_frames(task: asyncio.Future[Any]) -> list[FrameType]:
    """Return the frames of a task and of all that it awaits, the innermost last."""
    frames: list[FrameType] = []
    waiting: object = task
    while isinstance(waiting, asyncio.Task) and len(frames) < sys.getrecursionlimit():
        frames += _suspended_frames(waiting.get_coro())
        # A task that waits for another one: asyncio.wait_for() and create_task() make such.
        waiting = getattr(waiting, "_fut_waiter", None)
    return frames


def thread_stack(thread: threading.Thread) -> str:
    """Return the lines of code at which a thread is, the innermost last."""
    return format_frames(thread_frames(thread.ident or 0))


def thread_frames(ident: int) -> list[FrameType]:
    """Return the frames of a thread, the innermost last."""
    frames: list[FrameType] = []
    frame = sys._current_frames().get(ident)
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    return frames


def _suspended_frames(awaited: object) -> list[FrameType]:
    """Return the frames of a coroutine, or generator, and of what it awaits."""
    frames: list[FrameType] = []
    while awaited is not None:
        names = next((names for names in _FRAME_AND_NEXT if hasattr(awaited, names[0])), None)
        if names is None:
            break
        frame = getattr(awaited, names[0])
        if frame is not None:
            frames.append(frame)
        awaited = getattr(awaited, names[1])
    return frames


def format_frames(frames: list[FrameType]) -> str:
    """Return frames as the lines of a traceback."""
    extracted = traceback.StackSummary.extract(
        (frame, frame.f_lineno) for frame in frames[-_MOST_FRAMES:]
    )
    return "".join(extracted.format()).rstrip("\n") or "  (no Python code)"
