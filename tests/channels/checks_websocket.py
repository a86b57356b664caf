"""Checks of WebSocket consumers: messages of all sizes, right and wrong."""

from __future__ import annotations

import json
from typing import Any

from check import Checks
from site_process import Site, new_key
from support.ws import BINARY, CLOSE, CONTINUATION, PING, TEXT, close_payload, encode_frame

CHECKS = Checks()
check = CHECKS.add


def tell(client: Any, **command: Any) -> None:
    client.send_text(json.dumps(command))


@check
def echo_of_text(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send_text("gr\xfcn \U0001f600")
        return client.read_text()


@check
def echo_of_bytes(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send_binary(bytes(range(256)))
        return client.read_binary()


@check
def echo_of_nothing(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send_text("")
        client.send_binary(b"")
        client.send_text("end")
        frames = [client.read_data()]
        while frames[-1].payload != b"end":
            frames.append(client.read_data())
        return frames


@check
def echo_in_a_thread(site: Site) -> Any:
    with site.websocket("/ws/sync-echo/") as client:
        client.send_text("thread?")
        return client.read_text()


@check
def echo_of_json(site: Site) -> Any:
    answers = []
    for route in ("json", "sync-json"):
        with site.websocket(f"/ws/{route}/") as client:
            client.send_text('{"a": [1, null, "\xe4"]}')
            answers.append(client.read_text())
    return answers


@check
def not_json(site: Site) -> Any:
    with site.websocket("/ws/json/") as client:
        client.send_text("{")
        return client.read_close()


@check
def many_messages_in_order(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send(b"".join(encode_frame(TEXT, str(one).encode()) for one in range(300)))
        return [client.read_text() for _ in range(300)]


@check
def many_messages_from_the_consumer(site: Site) -> Any:
    with site.websocket("/ws/commanded/") as client:
        tell(client, do="send_bytes", size=1_000_000)
        assert len(client.read_binary()) == 1_000_000
        tell(client, do="send_many", count=300)
        return [client.read_text() for _ in range(300)]


@check
def capacity_of_a_channel(site: Site) -> Any:
    with site.websocket("/ws/commanded/") as client:
        tell(client, do="fill_own_channel", count=150)
        return [client.read_text() for _ in range(101)]


@check
def consumer_stops(site: Site) -> Any:
    with site.websocket("/ws/commanded/") as client:
        tell(client, do="stop")
        return "open" if site.leaves_silent(client) else client.read_close()


@check
def fragments(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send_frame(TEXT, b"gr\xc3", fin=False)
        client.send_frame(PING, b"between")
        client.send_frame(CONTINUATION, b"\xbcn", fin=True)
        return client.read_frame(), client.read_text()


@check
def message_in_single_bytes(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.dribble(encode_frame(TEXT, b"one by one"))
        return client.read_text()


@check
def big_message(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send_binary(b"m" * (1024 * 1024))
        return len(client.read_binary())


@check
def big_message_of_the_consumer(site: Site) -> Any:
    with site.websocket("/ws/commanded/") as client:
        tell(client, do="send_bytes", size=5_000_000)
        return client.read_frame().opcode


@check
def too_big_a_message(site: Site) -> Any:
    key = new_key()
    with site.websocket(f"/ws/echo/?key={key}") as client:
        client.offer(encode_frame(BINARY, b"m" * (1024 * 1024 + 1)))
        rest = client.read_to_end()
    return rest, site.journal(key)


@check
def too_big_a_message_in_fragments(site: Site) -> Any:
    key = new_key()
    with site.websocket(f"/ws/echo/?key={key}") as client:
        client.offer(encode_frame(BINARY, b"m" * 1_000_000, fin=False))
        client.offer(encode_frame(CONTINUATION, b"m" * 1_000_000))
        rest = client.read_to_end()
    return rest, site.journal(key)


def broken(site: Site, data: bytes) -> Any:
    """Return how a violation ends, on the wire and for the consumer."""
    key = new_key()
    with site.websocket(f"/ws/echo/?key={key}") as client:
        client.send(data)
        rest = client.read_to_end()
    return rest, site.journal(key)


@check
def text_that_is_not_utf8(site: Site) -> Any:
    return broken(site, encode_frame(TEXT, b"\xff"))


@check
def frame_without_mask(site: Site) -> Any:
    return broken(site, encode_frame(TEXT, b"x", mask=None))


@check
def reserved_opcode(site: Site) -> Any:
    return broken(site, encode_frame(0x3, b"x"))


@check
def close_code_that_may_not_be_sent(site: Site) -> Any:
    return broken(site, encode_frame(CLOSE, close_payload(1005)))


@check
def ping_is_answered(site: Site) -> Any:
    with site.websocket("/ws/echo/") as client:
        client.send_frame(PING, b"payload")
        return client.read_frame()
