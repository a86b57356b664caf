"""What a client of HTTP/1.1 writes and reads, over HTTP/2: `make test-http2`.

`Http2Socket` stands in the place of a socket. The request that is written to it becomes a stream
of its own, a WebSocket's handshake an extended CONNECT (RFC 8441); the response that is read from
it is written as HTTP/1.1 would. It takes one request after the other, and its end is that of the
last WebSocket's stream, or of the connection.
"""

import contextlib
import socket
import time
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings

from support.ws import accept_key

_HOP_BY_HOP = {b"host", b"connection", b"upgrade", b"sec-websocket-key", b"transfer-encoding"}
_BODYLESS = (204, 304)
_FRAME_HEAD, _GOAWAY = 9, 7
# About as much as the kernels take between them.
_WINDOW = 256 * 1024


class Http2Socket:
    """A connection to the server under test."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        config = h2.config.H2Configuration(
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = h2.connection.H2Connection(config)
        self._unsent = bytearray()
        self._frames = bytearray()
        self._arrived = bytearray()
        self._stream: int | None = None
        self._key: bytes | None = None
        self._body_left = 0
        self._is_tunnel = self._is_chunked = self._has_no_body = self._is_over = False
        self._h2.initiate_connection()
        self._h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW})
        self._h2.increment_flow_control_window(_WINDOW)
        self._flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: bytes) -> None:
        """Send a part of a request, or of what a WebSocket says, as the windows let it."""
        self._unsent += data
        while self._unsent:
            if self._stream is None:
                if (end := self._unsent.find(b"\r\n\r\n")) < 0:
                    return
                head = bytes(self._unsent[:end])
                del self._unsent[: end + 4]
                self._begin(head)
            elif self._is_over or not self._send_part():
                return

    def send(self, data: bytes) -> int:
        """Send as much as the window takes of what a WebSocket says; return how much."""
        timeout = self._socket.gettimeout() or 0
        stop = time.monotonic() + timeout
        while not self._window():
            self._socket.settimeout(max(0.001, stop - time.monotonic()))
            try:
                self._receive()
            finally:
                self._socket.settimeout(timeout)
        size = min(self._window(), len(data))
        self.sendall(data[:size])
        return size

    def recv(self, size: int) -> bytes:
        """Return what has come of a response, or of what a WebSocket says."""
        while not self._arrived and not self._is_over:
            self._receive()
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        return data

    def shutdown(self, how: int) -> None:
        """End our side of the stream, or of the connection when there is none."""
        if self._stream is not None:
            self._h2.end_stream(self._stream)
            self._flush()
        self._socket.shutdown(how)

    def _flush(self) -> None:
        self._socket.sendall(self._h2.data_to_send())

    def _begin(self, head: bytes) -> None:
        line, *fields = head.split(b"\r\n")
        method, path, _ = line.split(b" ")
        headers = [
            (name.lower(), value.strip())
            for name, _, value in (field.partition(b":") for field in fields)
        ]
        known = dict(headers)
        self._key = known.get(b"sec-websocket-key")
        self._body_left = int(known.get(b"content-length", b"0"))
        self._has_no_body = method == b"HEAD"
        self._is_chunked = False
        pseudo = [(b":method", method if self._key is None else b"CONNECT")]
        if self._key is not None:
            pseudo.append((b":protocol", b"websocket"))
        pseudo += [(b":scheme", b"http"), (b":authority", known[b"host"]), (b":path", path)]
        self._stream = self._h2.get_next_available_stream_id()
        kept = [field for field in headers if field[0] not in _HOP_BY_HOP]
        is_whole = self._key is None and self._body_left == 0
        self._h2.send_headers(self._stream, pseudo + kept, end_stream=is_whole)
        self._flush()

    def _window(self) -> int:
        assert self._stream is not None
        window = self._h2.local_flow_control_window(self._stream)
        return min(window, self._h2.max_outbound_frame_size)

    def _send_part(self) -> bool:
        """Send what the window takes; return whether there is more for this request."""
        assert self._stream is not None
        most = len(self._unsent) if self._key is not None else self._body_left
        size = min(most, len(self._unsent), self._window())
        if most == 0:
            return False
        if size == 0:
            self._receive()
            return True
        self._body_left -= 0 if self._key is not None else size
        is_last = self._key is None and self._body_left == 0
        self._h2.send_data(self._stream, bytes(self._unsent[:size]), end_stream=is_last)
        del self._unsent[:size]
        self._flush()
        return True

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        self._is_over = not data
        self._frames += data
        while len(self._frames) >= _FRAME_HEAD:
            size = _FRAME_HEAD + int.from_bytes(self._frames[:3])
            if len(self._frames) < size:
                break
            self._take_frame(bytes(self._frames[:size]))
            del self._frames[:size]
        with contextlib.suppress(ConnectionError):  # acknowledgements that nobody takes any more
            self._flush()

    def _take_frame(self, data: bytes) -> None:
        """Give a frame to `h2`, for which GOAWAY would be the end of everything."""
        for event in self._h2.receive_data(data) if data[3] != _GOAWAY else ():
            if getattr(event, "stream_id", None) == self._stream:
                self._take(event)

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived():
                self._take_head(list(event.headers or []), is_final=True)
            case h2.events.InformationalResponseReceived():
                self._take_head(list(event.headers or []), is_final=False)
            case h2.events.DataReceived(data=bytes(data)):
                assert self._stream is not None
                if length := event.flow_controlled_length:
                    self._h2.acknowledge_received_data(length, self._stream)
                if data and self._is_chunked:
                    data = b"%x\r\n%s\r\n" % (len(data), data)
                self._arrived += data
            case h2.events.StreamEnded():
                self._arrived += b"0\r\n\r\n" if self._is_chunked else b""
                self._end()
            case h2.events.StreamReset():
                self._is_over = True

    def _take_head(self, headers: list[tuple[bytes, bytes]], *, is_final: bool) -> None:
        status = int(headers[0][1])
        self._is_tunnel = is_final and self._key is not None and status == 200
        lines = [b"%s: %s" % field for field in headers[1:]]
        if self._is_tunnel and self._key is not None:
            lines += [b"sec-websocket-accept: " + accept_key(self._key.decode())]
            lines += [b"upgrade: websocket", b"connection: upgrade"]
            status = 101
        elif is_final and status not in _BODYLESS and not self._has_no_body:
            self._is_chunked = b"content-length" not in dict(headers)
            lines += [b"transfer-encoding: chunked"] if self._is_chunked else []
        self._arrived += b"\r\n".join([b"HTTP/1.1 %d " % status, *lines, b"", b""])
        if self._key is not None and dict(headers).get(b"content-length") == b"0":
            self._end()  # denied: nobody reads the end of a stream without a body

    def _end(self) -> None:
        """Go on with the next request; a WebSocket was the last."""
        self._stream = None
        if self._key is not None:
            self._is_over = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
