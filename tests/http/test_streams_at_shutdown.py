"""A streamed response when the server stops: one that waits is told, one that sends is not."""

import asyncio
import time

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, read_body
from support.raw import request
from support.server import Serve

PART = {"type": "http.response.body", "body": b"part;", "more_body": True}
PAUSE = 0.4
"""Seconds, a little less than those after which a stream counts as one that pauses."""


def test_stream_that_waits_is_told(serve: Serve) -> None:
    """It says goodbye: its client is still there."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200})
        await send(PART)
        journal.add((await receive())["type"])
        await send({"type": "http.response.body", "body": b"goodbye"})

    server = serve(application)
    with server.connect() as client:
        client.send(request())
        assert client.read_until(b"part;")
        server.shut_down()
        assert journal.next() == "http.disconnect"
        assert client.read_until(b"goodbye")
        assert client.read_until(b"0\r\n\r\n")
    server.join()


def test_stream_that_just_ends_is_no_error(serve: Serve) -> None:
    """As of a framework that cancels the stream: nothing is logged, the client sees a cut."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200})
        await send(PART)
        assert (await receive())["type"] == "http.disconnect"

    server = serve(application)
    with server.connect() as client:
        client.send(request())
        assert client.read_until(b"part;")
        server.shut_down()
        assert b"0\r\n\r\n" not in client.read_to_end()
    server.join()


def test_stream_that_sends_goes_on(serve: Serve) -> None:
    """It is told when it pauses, and not before."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200})
        leaving = asyncio.ensure_future(receive())
        await send(PART)
        server.engine.server.shutdown()  # type: ignore[attr-defined]
        longest, before = 0.0, time.monotonic()
        for _ in range(20):
            await send(PART)
            await asyncio.sleep(0)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
        # On a machine that stood still meanwhile, it has paused.
        journal.add(leaving.done() and longest < PAUSE)
        journal.add((await leaving)["type"])
        await send({"type": "http.response.body"})

    server = serve(application)
    with server.connect() as client:
        client.send(request())
        assert journal.next() is False
        assert journal.next() == "http.disconnect"
        assert client.read_until(b"0\r\n\r\n")


def test_request_without_an_answer_yet_goes_on(serve: Serve) -> None:
    """It ends as it would have: nobody is told who only works."""
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        leaving = asyncio.ensure_future(receive())
        journal.add("working")
        await gate.wait()
        journal.add(leaving.done())
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"done"})

    server = serve(application)
    with server.connect() as client:
        client.send(request())
        assert journal.next() == "working"
        server.shut_down()
        server.call(lambda: None)
        gate.open()
        assert journal.next() is False
        assert client.read_response().body == b"done"
    server.join()


@pytest.mark.parametrize("is_streamed", [True, False])
def test_client_that_reads_nothing_does_not_hold_up_the_stop(
    serve: Serve, is_streamed: bool
) -> None:
    """It is cut long before the time-out of applications, which is 60 s here."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        journal.add("begun")
        more = {"more_body": True} if is_streamed else {}
        await send({"type": "http.response.body", "body": bytes(20_000_000), **more})
        if is_streamed:
            await send({"type": "http.response.body"})

    server = serve(application, application_close_timeout=60.0)
    client = server.connect(receive_buffer=16384)
    client.send(request())
    assert journal.next() == "begun"
    server.shut_down()
    server.join()
