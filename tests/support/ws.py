"""A raw WebSocket client: any frame out, right or wrong, and frames in.

It does not answer pings or closes by itself and checks nothing but what RFC 6455 demands of
every frame from a server: no mask, lengths in their shortest form.
"""

import base64
import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from support.raw import RawClient, Response, request

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = base64.b64encode(b"sixteen bytes ok").decode()
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = b"\x37\xfa\x21\x3d"


def accept_key(key: str = KEY) -> bytes:
    """Return the Sec-WebSocket-Accept that answers `key` (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())


def upgrade(
    target: str | bytes = "/",
    *,
    headers: Iterable[str | bytes] = (),
    without: Iterable[str] = (),
    method: str = "GET",
    version: str = "1.1",
) -> bytes:
    """Return a handshake's bytes; headers named in `without` are left out, `headers` added."""
    standard = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    kept = [f"{name}: {value}" for name, value in standard.items() if name not in without]
    return request(target, method=method, version=version, headers=[*kept, *headers])


def encode_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    length: int | None = None,
) -> bytes:
    """Return a frame's bytes; `length` announces another length than the payload's."""
    size = len(payload) if length is None else length
    masked = 0 if mask is None else 0x80
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += struct.pack("!BH", masked | 126, size)
    else:
        head += struct.pack("!BQ", masked | 127, size)
    return head + payload if mask is None else head + mask + apply_mask(payload, mask)


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """Return the payload XORed with the repeated mask."""
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pattern)).to_bytes(size)


def close_payload(code: int, reason: str = "") -> bytes:
    """Return the payload of a close frame."""
    return struct.pack("!H", code) + reason.encode()


@dataclass(frozen=True)
class Frame:
    """A frame that the server sent."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0


def read_frame(read_exactly: Callable[[int], bytes]) -> Frame:
    """Return the next frame, whose bytes this function reads."""
    first, second = read_exactly(2)
    assert not second & 0x80, "a server must not mask its frames"
    size = second
    if size == 126:
        (size,) = struct.unpack("!H", read_exactly(2))
        assert size > 125, "length not in its shortest form"
    elif size == 127:
        (size,) = struct.unpack("!Q", read_exactly(8))
        assert size > 65535, "length not in its shortest form"
    payload = read_exactly(size)
    return Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 0x7)


class WebSocketClient(RawClient):
    """One WebSocket connection to the server under test."""

    def handshake(self, target: str = "/", *, headers: Iterable[str | bytes] = ()) -> Response:
        """Open the WebSocket, which the server must accept, and return its response."""
        self.send(upgrade(target, headers=headers))
        return self.read_accept()

    def read_accept(self) -> Response:
        """Return the response to a handshake, checked to be an acceptance."""
        response = self.read_head()
        assert response.status == 101, response.raw
        assert response.header(b"sec-websocket-accept") == accept_key(), response.raw
        return response

    def send_frame(
        self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0
    ) -> None:
        """Send one masked frame."""
        self.send(encode_frame(opcode, payload, fin=fin, rsv=rsv))

    def send_text(self, text: str) -> None:
        """Send a text message in one frame."""
        self.send_frame(TEXT, text.encode())

    def send_binary(self, data: bytes) -> None:
        """Send a binary message in one frame."""
        self.send_frame(BINARY, data)

    def send_close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a close frame, an empty one when `code` is None."""
        self.send_frame(CLOSE, b"" if code is None else close_payload(code, reason))

    def read_frame(self) -> Frame:
        """Return the next frame."""
        return read_frame(self.read_exactly)

    def read_data(self) -> Frame:
        """Return the next frame that is not a ping."""
        while (frame := self.read_frame()).opcode == PING:
            pass
        return frame

    def read_text(self) -> str:
        """Return the next message, which must be text in one frame."""
        frame = self.read_data()
        assert frame.opcode == TEXT and frame.fin, frame
        return frame.payload.decode()

    def read_binary(self) -> bytes:
        """Return the next message, which must be binary in one frame."""
        frame = self.read_data()
        assert frame.opcode == BINARY and frame.fin, frame
        return frame.payload

    def read_close(self) -> tuple[int | None, str]:
        """Return code and reason of the next frame, which must be a close frame."""
        frame = self.read_data()
        assert frame.opcode == CLOSE and frame.fin, frame
        assert len(frame.payload) != 1, frame
        if not frame.payload:
            return None, ""
        return int.from_bytes(frame.payload[:2]), frame.payload[2:].decode()

    def finish_close(self) -> None:
        """Answer the close frame that comes next, with its own code."""
        code, _ = self.read_close()
        self.send_close(code)

    def answer_stop(self) -> None:
        """Answer the close frame of a server that stops, if it still waits: it has a second."""
        self.offer(encode_frame(CLOSE, close_payload(1012)))

    def finish(self, code: int = 1000, reason: str = "") -> None:
        """Close from this side, and wait for the server to close the connection."""
        self.send_close(code, reason)
        assert self.read_close()[0] == code
        self.assert_closed()
        self.close()
