"""A WebSocket client that acts only when told: no task, no thread, no time."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri


class Client:
    """One connection; `frames` is what it saw, by the number of the action that led to it."""

    def __init__(self, path: str, url_path: str) -> None:
        self.status: int | None = None
        self.frames: list[tuple[int, str]] = []
        self.has_ended = False
        self._protocol = ClientProtocol(parse_uri(f"ws://site{url_path}"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._socket.setblocking(False)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    @property
    def is_going(self) -> bool:
        """Whether either side has begun to close, or the socket is closed."""
        return self.has_ended or self._protocol.state in (State.CLOSING, State.CLOSED)

    def say(self, text: str) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text.encode())
            self._flush()

    def say_bytes(self, data: bytes) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_binary(data)
            self._flush()

    def leave(self, code: int) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            self._flush()

    def vanish(self) -> None:
        """Close the socket, after reading what is there: unread bytes would make it a reset."""
        self.has_ended = True
        self._socket.close()

    def exchange(self, action: int) -> bool:
        """Read all that is there and answer it; return whether anything was."""
        if self.has_ended:
            return False
        heard = False
        while (data := self._read()) is not None:
            heard = True
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
                self.has_ended = True
                break
        self._note(action)
        self._flush()
        if self.has_ended:
            self._socket.close()
        return heard

    def seen(self) -> dict[str, Any]:
        received = self._protocol.close_rcvd
        return {
            "status": self.status,
            "frames": self.frames,
            "close": received and [received.code, received.reason],
            "ended": self.has_ended,
        }

    def _read(self) -> bytes | None:
        try:
            return self._socket.recv(65536)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""

    def _note(self, action: int) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self.status = event.status_code
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                kind = "" if event.opcode is Opcode.TEXT else "bytes "
                self.frames.append((action, kind + bytes(event.data).decode()))
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self.frames.append((action, "<closed>"))

    def _flush(self) -> None:
        if self.has_ended:
            return
        with contextlib.suppress(ConnectionError):
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)
                else:
                    self._socket.shutdown(socket.SHUT_WR)
