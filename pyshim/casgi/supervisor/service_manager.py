"""What systemd is told of the service (sd_notify(3)), by the supervisor alone.

READY=1 when every worker serves, RELOADING=1 and a READY=1 after it, STOPPING=1, and WATCHDOG=1
twice in the time that systemd gives. Without NOTIFY_SOCKET nothing is said.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time

from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")


class ServiceManager:
    """Speaks to the socket that the environment names."""

    def __init__(self) -> None:
        """Read the environment."""
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._watchdog = _watchdog_seconds()
        self._is_stopping = False
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def ready(self, workers: int) -> None:
        """Say that all workers serve."""
        if not self._is_stopping:
            self._say("READY=1", f"STATUS={workers} workers serve")

    def reloading(self) -> None:
        """Say that the workers are being replaced; ready() has to follow, however that ends."""
        # systemd takes only a moment of its own clock, after its own request.
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say("RELOADING=1", f"MONOTONIC_USEC={moment}", "STATUS=replacing the workers")

    def stopping(self) -> None:
        """Say that the service ends."""
        self._is_stopping = True
        self._say("STOPPING=1", "STATUS=stopping")

    async def keep_alive(self, until: asyncio.Event) -> None:
        """Say again and again that the supervisor is alive, until the event is set."""
        while self._watchdog is not None and not until.is_set():
            self._say("WATCHDOG=1")
            await wait_for_any(until, timeout=self._watchdog / 2)

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, *lines: str) -> None:
        if self._socket is None:
            return
        # The name of an abstract socket begins with a zero, which is written as @.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with contextlib.suppress(BlockingIOError):
                self._socket.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, address)
        except OSError as error:
            logger.warning("Cannot notify %s: %s", self._address, error.strerror)


def _watchdog_seconds() -> float | None:
    """Return how long the service manager waits for a sign of life; None if it does not."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    is_ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not (is_ours and usec.isdecimal() and int(usec) > 0):
        return None
    return int(usec) / 1e6
