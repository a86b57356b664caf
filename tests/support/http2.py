"""An HTTP/2 client for tests, on the `h2` package: events in, and anything out, right or wrong.

It is blocking, and every wait has a deadline. Windows are given back as data arrive, unless a
stream is told to hold its own.
"""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from support.raw import RawClient
from support.ws import Frame, encode_frame, read_frame

Event = TypeVar("Event", bound=h2.events.Event)
Headers = Iterable[tuple[str, str]]

_GOAWAY = 7
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame's bytes (RFC 9113 section 4.1)."""
    head = len(payload).to_bytes(3) + bytes([kind, flags])
    return head + stream.to_bytes(4) + payload


class Http2Response:
    """What has come of a response so far."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.informed: list[list[tuple[bytes, bytes]]] = []
        self.trailers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.is_whole = False
        self.reset: int | None = None

    @property
    def status(self) -> int:
        """The final status."""
        return int(dict(self.headers)[b":status"])

    def header(self, name: bytes) -> bytes | None:
        """Return the value of a header, None when there is none."""
        return dict(self.headers).get(name)


class Http2Client:
    """One HTTP/2 connection to the server under test."""

    def __init__(self, raw: RawClient, **settings: int) -> None:
        self.raw = raw
        config = h2.config.H2Configuration(
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        self.responses: dict[int, Http2Response] = {}
        self.held: set[int] = set()
        self.give_back_connection = True
        self.goaway: int | None = None
        self._input = bytearray()
        self.is_closed = False
        self.settings_seen = 0
        self.h2.initiate_connection()
        if settings:
            codes = {
                h2.settings.SettingCodes[name.upper()]: value for name, value in settings.items()
            }
            self.h2.update_settings(codes)
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()

    def flush(self) -> None:
        """Send what `h2` has to send."""
        self.raw.offer(self.h2.data_to_send())

    # --- Out ---

    def request(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Headers = (),
        body: bytes | None = None,
        ends: bool = True,
    ) -> int:
        """Send a request, and as much of its body as the windows take; return its stream."""
        return self.open(
            [
                (":method", method),
                (":scheme", "http"),
                (":authority", "test"),
                (":path", path),
                *headers,
            ],
            body=body,
            ends=ends,
        )

    def open(self, headers: Headers, *, body: bytes | None = None, ends: bool = True) -> int:
        """Send these fields, pseudo-header fields too, as a request of its own."""
        stream = self.h2.get_next_available_stream_id()
        self.responses[stream] = Http2Response()
        self.h2.send_headers(stream, list(headers), end_stream=ends and body is None)
        self.flush()
        if body is not None:
            self.send(stream, body, ends=ends)
        return stream

    def send(self, stream: int, body: bytes, *, ends: bool = False) -> None:
        """Send bytes on a stream, as the windows let it, until it is reset."""
        while body and self.responses[stream].reset is None:
            window = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if window == 0:
                self.step()
                continue
            part, body = body[:window], body[window:]
            self.h2.send_data(stream, part)
            self.flush()
        if ends and self.responses[stream].reset is None:
            self.h2.end_stream(stream)
            self.flush()

    def reset(self, stream: int, code: int = 8) -> None:
        """Break a stream off."""
        self.h2.reset_stream(stream, code)
        self.flush()

    # --- In ---

    def step(self) -> None:
        """Take what arrives next."""
        data = self.raw.socket.recv(65536)
        if not data:
            self.is_closed = True
            raise AssertionError(f"the server has closed: {self.goaway!r}")
        self._input += data
        while len(self._input) >= 9:
            size = 9 + int.from_bytes(self._input[:3])
            if len(self._input) < size:
                break
            self._take_frame(bytes(self._input[:size]))
            del self._input[:size]
        self.flush()

    def _take_frame(self, data: bytes) -> None:
        """Give a frame to `h2`, for which GOAWAY would be the end of everything."""
        if data[3] == _GOAWAY:
            self.goaway = int.from_bytes(data[13:17])
            return
        for event in self.h2.receive_data(data):
            self._take(event)

    def until(self, condition: Callable[[], Any]) -> None:
        """Take what arrives until this is so."""
        while not condition():
            self.step()

    def response(self, stream: int) -> Http2Response:
        """Return the response on a stream, once it is whole or was reset."""
        response = self.responses[stream]
        self.until(lambda: response.is_whole or response.reset is not None)
        return response

    def has_ended(self, stream: int) -> bool:
        """Tell whether the response on a stream is whole."""
        return self.responses[stream].is_whole

    def get(self, path: str = "/", *, headers: Headers = (), **more: Any) -> Http2Response:
        """Return the response to a request."""
        return self.response(self.request(path, headers=headers, **more))

    def read_to_end(self) -> None:
        """Take everything up to the end of the connection."""
        try:
            while True:
                self.step()
        except (AssertionError, ConnectionError):
            self.is_closed = True

    def give_window(self, stream: int, size: int) -> None:
        """Let the server send more on a stream that is held."""
        self.h2.increment_flow_control_window(size, stream)
        self.flush()

    def _take(self, event: h2.events.Event) -> None:
        stream = getattr(event, "stream_id", None)
        response = self.responses.get(stream) if stream is not None else None
        match event:
            case h2.events.RemoteSettingsChanged():
                self.settings_seen += 1
            case h2.events.ResponseReceived() if response is not None:
                response.headers = list(event.headers or [])
            case h2.events.InformationalResponseReceived() if response is not None:
                response.informed.append(list(event.headers or []))
            case h2.events.TrailersReceived() if response is not None:
                response.trailers = list(event.headers or [])
            case h2.events.DataReceived() if response is not None:
                response.body += event.data or b""
                self._give_back(event)
            case h2.events.StreamEnded() if response is not None:
                response.is_whole = True
            case h2.events.StreamReset() if response is not None:
                response.reset = event.error_code

    def _give_back(self, event: h2.events.DataReceived) -> None:
        length, stream = event.flow_controlled_length, event.stream_id
        if not length or stream is None:
            return
        if self.give_back_connection:
            self.h2.increment_flow_control_window(length)
        if stream not in self.held:
            with contextlib.suppress(h2.exceptions.StreamClosedError):
                self.h2.increment_flow_control_window(length, stream)


def websocket_handshake(path: str, version: str = "13") -> list[tuple[str, str]]:
    """Return the fields of an extended CONNECT (RFC 8441 section 5)."""
    return [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", path),
        ("sec-websocket-version", version),
    ]


class Http2WebSocket:
    """One WebSocket on a stream of an HTTP/2 connection (RFC 8441)."""

    def __init__(
        self,
        client: Http2Client,
        path: str = "/",
        *,
        headers: Headers = (),
        version: str = "13",
        waits: bool = True,
    ) -> None:
        self.client = client
        client.until(lambda: client.h2.remote_settings.enable_connect_protocol)
        self.stream = client.open([*websocket_handshake(path, version), *headers], ends=False)
        self.response = client.responses[self.stream]
        if waits:
            client.until(lambda: self.response.headers or self.response.reset is not None)

    def send_frame(
        self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0
    ) -> None:
        """Send one masked frame."""
        self.client.send(self.stream, encode_frame(opcode, payload, fin=fin, rsv=rsv))

    def read_exactly(self, size: int) -> bytes:
        """Return the next bytes of the stream."""
        body = self.response.body
        self.client.until(lambda: len(body) >= size)
        data = bytes(body[:size])
        del body[:size]
        return data

    def read_frame(self) -> Frame:
        """Return the next frame."""
        return read_frame(self.read_exactly)

    def end(self) -> None:
        """End our side of the stream."""
        self.client.h2.end_stream(self.stream)
        self.client.flush()
