"""Checks of how WebSockets end: codes and reasons as client and consumer see them."""

from __future__ import annotations

import asyncio
from typing import Any

import websockets.asyncio.client
from check import Checks
from checks_websocket import tell
from site_process import DEADLINE, Site, new_key
from support.ws import CLOSE, TEXT, encode_frame

CHECKS = Checks()
check = CHECKS.add


def closed_by_client(name: str, route: str, code: int | None, reason: str = "") -> None:
    """Register the check that the client closes so."""

    def ask(site: Site) -> Any:
        key = new_key()
        with site.websocket(f"/ws/{route}/?key={key}") as client:
            client.send_close(code, reason)
            client.read_close()
            client.assert_closed()
        return site.journal(key)

    ask.__name__ = name
    check(ask)


closed_by_client("client_closes_normally", "echo", 1000)
closed_by_client("client_closes_going_away", "echo", 1001)
closed_by_client("client_closes_with_reason", "echo", 3001, "why not")
closed_by_client("client_closes_with_4999", "echo", 4999)
closed_by_client("client_closes_empty", "echo", None)
closed_by_client("client_closes_a_thread", "sync-echo", 4321)


def ended_by_client(name: str, route: str, ending: str) -> None:
    """Register the check that the connection ends without a close frame."""

    def ask(site: Site) -> Any:
        key = new_key()
        client = site.websocket(f"/ws/{route}/?key={key}")
        client.send_text("x")
        client.read_text()
        getattr(client, ending)()
        entries = site.journal(key)
        client.close()
        return entries

    ask.__name__ = name
    check(ask)


ended_by_client("connection_ends", "echo", "close")
ended_by_client("connection_is_reset", "echo", "reset")
ended_by_client("connection_is_half_closed", "echo", "half_close")
ended_by_client("connection_of_a_thread_ends", "sync-echo", "close")


def closed_by_consumer(name: str, route: str, **command: Any) -> None:
    """Register the check of what client and consumer see when the consumer does this."""

    def ask(site: Site) -> Any:
        key = new_key()
        with site.websocket(f"/ws/{route}/?key={key}") as client:
            tell(client, **command)
            seen = [client.read_data()]
            if seen[0].opcode == TEXT:
                seen.append(client.read_data())
            client.send_frame(CLOSE, seen[-1].payload)
            client.read_to_end()
        never_comes = name == "consumer_sends_after_close" and site.server == "daphne"
        patience = 2.0 if never_comes else DEADLINE
        return seen, site.journal(key, 2 if "after" in name or "twice" in name else 1, patience)

    ask.__name__ = name
    check(ask)


closed_by_consumer("consumer_closes", "commanded", do="close")
closed_by_consumer("consumer_closes_with_code", "commanded", do="close", code=4321)
closed_by_consumer(
    "consumer_closes_with_reason", "commanded", do="close", code=4321, reason="enough"
)
closed_by_consumer("consumer_sends_and_closes", "commanded", do="send_and_close", code=4002)
closed_by_consumer("consumer_sends_after_close", "commanded", do="send_after_close")
closed_by_consumer("consumer_closes_twice", "commanded", do="close_twice")
closed_by_consumer("consumer_sends_from_disconnect", "late", do="close", code=4001)
closed_by_consumer("thread_sends_from_disconnect", "sync-late", do="close")


@check
def client_answers_with_another_code(site: Site) -> Any:
    key = new_key()
    with site.websocket(f"/ws/commanded/?key={key}") as client:
        tell(client, do="close", code=4321)
        client.read_close()
        client.send_close(1000)
        client.assert_closed()
    return site.journal(key)


@check
def code_that_answers_a_close(site: Site) -> Any:
    answers = []
    for code in (1000, 1001, 4999, None):
        with site.websocket("/ws/echo/") as client:
            client.send_close(code)
            answers.append(client.read_close())
            client.assert_closed()
    return answers


@check
def crash_in_receive(site: Site) -> Any:
    with site.websocket("/ws/commanded/") as client:
        tell(client, do="raise")
        closed = client.read_close()
        client.send_close(1011)
        client.assert_closed()
        return closed


def late_sender(name: str, route: str, ending: str) -> None:
    """Register the check that a send in disconnect() harms nothing when the client ends it so."""

    def ask(site: Site) -> Any:
        key = new_key()
        client = site.websocket(f"/ws/{route}/?key={key}")
        if ending == "frame":
            client.send_close(3333)
        else:
            client.close()
        entries = site.journal(key)
        client.close()
        return entries, "Traceback" in site.log_text().partition(key)[2]

    ask.__name__ = name
    check(ask)


late_sender("send_from_disconnect_after_a_frame", "late", "frame")
late_sender("send_from_disconnect_after_the_end", "late", "end")
late_sender("thread_sends_after_a_frame", "sync-late", "frame")
late_sender("thread_sends_after_the_end", "sync-late", "end")


@check
def message_and_close_in_one_packet(site: Site) -> Any:
    key = new_key()
    with site.websocket(f"/ws/echo/?key={key}") as client:
        client.send(encode_frame(TEXT, b"last") + encode_frame(CLOSE, b"\x03\xe8"))
        client.read_to_end()
    return site.journal(key)


@check
def frames_behind_a_close(site: Site) -> Any:
    key = new_key()
    with site.websocket(f"/ws/echo/?key={key}") as client:
        client.send(encode_frame(CLOSE, b"\x03\xe9") + encode_frame(TEXT, b"ghost"))
        client.read_close()
        client.assert_closed()
    return site.journal(key)


async def with_library(site: Site) -> Any:
    """Talk with the server through the `websockets` client, its compression offered."""
    uri = f"ws://127.0.0.1:{site.port}/ws/commanded/"
    connect = websockets.asyncio.client.connect
    async with connect(uri, origin="http://127.0.0.1", proxy=None) as client:  # type: ignore[arg-type]
        await client.send('{"do": "send_many", "count": 3}')
        got = [await client.recv() for _ in range(3)]
        waited = await client.ping()
        await waited
        await client.send('{"do": "close", "code": 4010}')
        await client.wait_closed()
        return got, client.close_code


@check
def websockets_client(site: Site) -> Any:
    return asyncio.run(asyncio.wait_for(with_library(site), 10))
