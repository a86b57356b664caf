"""What systemd is told of the service (sd_notify(3)), by the supervisor alone.

READY=1 when every worker serves, RELOADING=1 and a READY=1 after it, STOPPING=1, and WATCHDOG=1
three times in the time that systemd gives, and before another program takes the place of this one.
Without NOTIFY_SOCKET nothing is said. Where there is no room,
since systemd reads late, all of that waits but WATCHDOG=1, which the next one makes up for.
"""

import asyncio
import logging
import os
import socket
import time
from collections import deque

from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

# Nothing tells that a socket of datagrams has room again at its other end.
_LOOK_FOR_ROOM = 0.1
# sd_watchdog_enabled(3) wants a sign of life in half of the time; this leaves room for a busy loop.
_SIGNS_OF_LIFE = 3


class ServiceManager:
    """Speaks to the socket that the environment names."""

    def __init__(self) -> None:
        """Read the environment."""
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._watchdog = _watchdog_seconds()
        self._is_stopping = False
        self._unsaid: deque[str] = deque()
        self._retry: asyncio.TimerHandle | None = None
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
            self.alive()
            await wait_for_any(until, timeout=self._watchdog / _SIGNS_OF_LIFE)

    def alive(self) -> None:
        """Say that the supervisor is alive, if somebody wants to know."""
        if self._watchdog is not None and not self._unsaid:
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._retry is not None:
            self._retry.cancel()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, *lines: str) -> None:
        """Say something behind what has not been said yet, now or when there is room."""
        self._unsaid.append("\n".join(lines))
        if self._retry is None:
            self._say_the_rest()

    def _say_the_rest(self) -> None:
        self._retry = None
        while self._unsaid and self._send(self._unsaid[0]):
            self._unsaid.popleft()
        if self._unsaid:
            loop = asyncio.get_running_loop()
            self._retry = loop.call_later(_LOOK_FOR_ROOM, self._say_the_rest)

    def _send(self, text: str) -> bool:
        """Return False when there is no room; whatever else is wrong will not be better later."""
        if self._socket is None:
            return True
        # The name of an abstract socket begins with a zero, which is written as @.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            self._socket.sendto(text.encode(), socket.MSG_DONTWAIT, address)
        except BlockingIOError:
            return False
        except OSError as error:
            logger.warning("Cannot notify %s: %s", self._address, error.strerror)
        return True


def _watchdog_seconds() -> float | None:
    """Return how long the service manager waits for a sign of life; None if it does not."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    is_ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not (is_ours and usec.isdecimal() and int(usec) > 0):
        return None
    return int(usec) / 1e6
