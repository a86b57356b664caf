"""The process that serves, as the process that reloads sees it.

    spawned -- begin() --> starting -- "ready" --> serving -- stop() --> ended
        any -- the process ends --> ended

It runs the same command, has imported casgi when it is told to begin, and then gets the listening
sockets. What it has to say, and that its parent is there, it knows by the channel.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import sys
from collections.abc import Sequence

from casgi.sockets import BoundSocket
from casgi.supervisor.handover import InheritedSocket
from casgi.waiting import wait_for_any

VARIABLE = "CASGI_RELOADED"
"""Of the environment: the descriptor of the channel, in a process that another one reloads."""

# Time for what is cancelled when the time for an orderly end is over.
_LAST_STEPS = 1.0


class Child:
    """One process.

    Attributes:
        ended: a task that returns its exit code, negative for a signal's.

    """

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        """Take both; spawn() makes them."""
        self.ended = asyncio.create_task(process.wait())
        self.ended.add_done_callback(lambda _: channel.close())
        self._process = process
        self._channel = channel

    def begin(self, sockets: Sequence[BoundSocket]) -> None:
        """Let it import the application and serve on these sockets."""
        inherited = [InheritedSocket.of(bound) for bound in sockets]
        with contextlib.suppress(OSError):  # It has ended.
            self._channel.sendall(pickle.dumps(inherited))

    async def is_ready(self) -> bool:
        """Wait until its application has started; return whether it has, or the process ended."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.sock_recv(self._channel, 1) != b""
        except OSError:
            return False

    async def end(self, seconds: float | None) -> None:
        """End it: in order within the time, then at once, then whatever it does."""
        for number, time in ((signal.SIGTERM, seconds), (signal.SIGTERM, _LAST_STEPS)):
            self.send_signal(number)
            await wait_for_any(tasks=[self.ended], timeout=time)
        self.send_signal(signal.SIGKILL)
        await self.ended

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def how_it_ended(self) -> str:
        """Return what to write of its exit code."""
        code = self.ended.result()
        if code >= 0:
            return f"ended with status {code}"
        return f"was ended by {signal.Signals(-code).name}"


async def spawn(sockets: Sequence[BoundSocket]) -> Child:
    """Start the command of this process anew, as one that waits for begin()."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    descriptors = [theirs.fileno(), *(bound.socket.fileno() for bound in sockets)]
    # A terminal sends SIGINT to both; this process turns it into a SIGTERM to the other, which
    # passes it over as soon as it can.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *sys.orig_argv[1:],
                env={**os.environ, VARIABLE: str(theirs.fileno())},
                pass_fds=descriptors,
            )
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    return Child(process, ours)
