"""Messages of a channel layer to consumers whose clients have agreed to different compression."""

import asyncio
import json
import zlib
from typing import Any

import pytest
from support.reports import wait_until
from support.ws import TEXT

from . import consumers
from .conftest import Accelerated

OFFERS = {
    None: (),
    -15: ("Sec-WebSocket-Extensions: permessage-deflate",),
    -10: ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10",),
}
WORDS = "words of a message " * 30


@pytest.mark.parametrize("kind", ["room.message", "room.named"])
@pytest.mark.parametrize("takeover", [False, True])
def test_members_with_and_without(
    accelerated: Accelerated, layer: Any, kind: str, takeover: bool
) -> None:
    """A handler that runs once for all, and one that runs for each."""
    server = accelerated(
        consumers.Room.as_asgi(), ws_deflate=True, ws_deflate_context_takeover=takeover
    )
    windows = [*OFFERS, *OFFERS]
    clients = [server.websocket(headers=OFFERS[bits]) for bits in windows]
    inflaters = [zlib.decompressobj(wbits=bits or -15) for bits in windows]
    wait_until(lambda: len(layer.local.channels("room")) == len(clients), "not all have joined")
    for number in range(3):
        message = {"type": kind, "text": f"{number} {WORDS}"}
        asyncio.run_coroutine_threadsafe(layer.group_send("room", message), server.loop).result(10)
        for bits, client, inflater in zip(windows, clients, inflaters, strict=True):
            frame = client.read_data()
            assert (frame.opcode, frame.rsv) == (TEXT, 0 if bits is None else 4)
            fresh = inflater if takeover else zlib.decompressobj(wbits=bits or -15)
            text = (
                fresh.decompress(frame.payload + b"\0\0\xff\xff") if frame.rsv else frame.payload
            ).decode()
            if kind == "room.message":
                assert json.loads(text) == {"text": message["text"]}
            else:
                assert text.startswith(f"{message['text']} for ")
    assert (layer.local.shared > 0) == (kind == "room.message")
