"""A worker's end: it calls in at the supervisor's control socket, and answers what that asks.

On a thread of its own with plain sockets: it answers while the event loop is held up, as long as
code of the application lets other threads run.
"""

import logging
import os
import socket
import threading

from casgi.control.answering import answer_of
from casgi.control.process import Process
from casgi.control.protocol import ControlError, decode, encode

logger = logging.getLogger("casgi.control")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class CallingIn:
    """Calls in from start() to close(), again when the supervisor has gone for a moment."""

    def __init__(self, path: str, process: Process) -> None:
        self._path = os.path.abspath(path)
        self._process = process
        self._closed = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="casgi control", daemon=True)

    def start(self) -> None:
        """Begin to call in."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more. Can be called again."""
        self._closed.set()
        connected = self._socket
        if connected is not None:
            try:
                connected.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # It has gone already.

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._closed.is_set():
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
                    connected.connect(self._path)
                    self._socket = connected
                    pause = _FIRST_PAUSE
                    self._answer_on(connected)
            except (OSError, ControlError) as error:
                logger.debug("The control socket %s: %s", self._path, error)
            finally:
                self._socket = None
            self._closed.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _answer_on(self, connected: socket.socket) -> None:
        connected.sendall(encode({"worker": self._process.worker}))
        with connected.makefile("rb") as requests:
            for line in requests:
                connected.sendall(encode(answer_of(self._process, decode(line))))
