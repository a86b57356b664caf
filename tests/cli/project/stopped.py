"""Applications that make it hard to stop the server. They say on standard output what they see."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from served import respond, say


async def start_and_wait_for_the_end(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()


async def close_the_pool():
    raise OSError("the pool is gone")


async def raising_shutdown(scope, receive, send):
    await start_and_wait_for_the_end(receive, send)
    await close_the_pool()


async def raising_after_shutdown(scope, receive, send):
    await start_and_wait_for_the_end(receive, send)
    await send({"type": "lifespan.shutdown.complete"})
    await close_the_pool()


async def failing_while_served(scope, receive, send):
    """Lose what the lifespan has begun, when there is a request."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await requested.wait()
        await close_the_pool()
    requested.set()
    await respond(send, b"served")


requested = asyncio.Event()


async def stubborn_shutdown(scope, receive, send):
    await start_and_wait_for_the_end(receive, send)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("no")


async def computing(scope, receive, send):
    """Never await."""
    if scope["type"] == "http":
        say("request")
        while True:
            pass


async def blocking_for_a_while(scope, receive, send):
    if scope["type"] == "http":
        # A pipe that nobody writes to yet: the fault is what is tested.
        os.close(os.open(os.environ["GO_ON"], os.O_RDONLY))
        await respond(send, b"at last")


async def blocking_at_start(scope, receive, send):
    if scope["type"] == "lifespan":
        time.sleep(3)  # noqa: ASYNC251  What is loaded at a start takes its time.
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def leaving_a_task(scope, receive, send):
    """Start what does not let itself be cancelled."""
    if scope["type"] == "http":
        leaving_a_task.left = asyncio.create_task(goes_on(), name="the one that is left")
        await respond(send, b"started")


async def goes_on():
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            say("not yet")


async def leaving_threads(scope, receive, send):
    """Start what Python waits for at its end: threads, one of a daemon's executor, and a child."""
    if scope["type"] != "http":
        return
    endless = threading.Event()
    threading.Thread(target=endless.wait, name="keeper").start()
    executor = ThreadPoolExecutor(1, "pool-of-a-daemon")
    daemon = threading.Thread(target=executor.submit, args=[endless.wait], daemon=True)
    daemon.start()
    daemon.join()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=time.sleep, args=(1000,), name="sleeper")
    child.start()
    leaving_threads.left = executor
    await respond(send, f"{child.pid}".encode())


children = {}


async def forking(scope, receive, send):
    """Make a child in the way that the path names; answer with how it ended."""
    if scope["type"] == "lifespan":
        await start_and_wait_for_the_end(receive, send)
        say(f"shutdown in {'the server' if os.getpid() == server else 'a child'}")
        await send({"type": "lifespan.shutdown.complete"})
        return
    way = scope["path"].strip("/")
    await respond(send, str(WAYS[way]() if way in WAYS else "").encode())


server = os.getpid()


def exit_in_fork():
    child = os.fork()
    if child == 0:
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def raise_in_fork():
    child = os.fork()
    if child == 0:
        raise KeyboardInterrupt
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def exit_in_process():
    process = multiprocessing.get_context("fork").Process(target=sys.exit, args=(7,))
    process.start()
    process.join()
    return process.exitcode


def terminate_process():
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,))
    process.start()
    process.terminate()
    process.join()
    return process.exitcode == -signal.SIGTERM


def run_subprocess():
    return subprocess.run([sys.executable, "-c", "raise SystemExit(7)"]).returncode


def run_subprocess_with_preexec():
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    return subprocess.run(command, preexec_fn=os.getpid).returncode


WAYS = {
    "fork": exit_in_fork,
    "interrupted": raise_in_fork,
    "process": exit_in_process,
    "terminated": terminate_process,
    "subprocess": run_subprocess,
    "preexec": run_subprocess_with_preexec,
}
