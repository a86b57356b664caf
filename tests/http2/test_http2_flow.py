"""Flow control over HTTP/2 follows what the application receives and the client reads."""

import time

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, read_body, respond
from support.http2 import Http2Client
from support.server import Serve

WINDOW = 256 * 1024
RECEIVE_BUFFER = 256 * 1024


def test_window_comes_back_as_the_application_reads(serve: Serve) -> None:
    gate, journal = Gate(), Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/other":
            await respond(send, b"other")
            return
        await gate.wait()
        journal.add(len(await read_body(receive)))
        await respond(send)

    client = Http2Client(serve(application).connect())
    client.until(lambda: client.settings_seen)
    slow = client.request(method="POST", ends=False)
    sent = 0
    # What the server holds ahead of the application is bounded; other streams go on meanwhile.
    while (window := client.h2.local_flow_control_window(slow)) > 0:
        client.send(slow, b"x" * min(window, 16384))
        sent += min(window, 16384)
        assert client.get("/other").body == b"other"
    assert WINDOW <= sent <= WINDOW + RECEIVE_BUFFER + 4 * 16384
    assert client.get("/other").body == b"other"
    gate.open()
    client.send(slow, b"y" * 1_000_000, ends=True)
    assert client.response(slow).status == 200
    assert journal.next() == sent + 1_000_000


def test_send_waits_for_the_streams_window(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/other":
            await respond(send, b"x" * 1_000_000)
            return
        await send({"type": "http.response.start", "status": 200})
        for part in range(40):
            await send({"type": "http.response.body", "body": b"x" * 32768, "more_body": True})
            journal.add(part)
        await send({"type": "http.response.body"})
        journal.add("end")

    client = Http2Client(serve(application).connect())
    slow = client.request()
    client.held.add(slow)
    response = client.responses[slow]
    client.until(lambda: len(response.body) == 65535)
    assert len(client.get("/other").body) == 1_000_000
    parts = len(journal.rest())
    assert 2 <= parts < 10
    assert len(client.get("/other").body) == 1_000_000
    assert journal.rest() == []  # it still waits
    client.held.discard(slow)
    client.give_window(slow, 2_000_000)
    assert len(client.response(slow).body) == 40 * 32768
    while journal.next() != "end":
        pass


def test_a_client_that_breaks_off_wakes_a_send_that_waits(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
        journal.add((await receive())["type"])

    server = serve(application)
    client = Http2Client(server.connect())
    stream = client.request()
    client.held.add(stream)
    client.until(lambda: len(client.responses[stream].body) == 65535)
    client.reset(stream)
    assert journal.next() == "http.disconnect"


def test_continue_is_sent_when_the_body_is_wanted(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/early":
            await respond(send, b"no", status=413)
        else:
            await respond(send, await read_body(receive))

    client = Http2Client(serve(application).connect())
    expect = [("expect", "100-continue")]
    stream = client.request("/", method="POST", headers=expect, ends=False)
    response = client.responses[stream]
    client.until(lambda: response.informed)
    assert dict(response.informed[0])[b":status"] == b"100"
    client.send(stream, b"hello", ends=True)
    assert client.response(stream).body == b"hello"
    early = client.response(client.request("/early", method="POST", headers=expect, ends=False))
    assert (early.status, early.body, early.informed) == (413, b"no", [])


def test_trailers_of_a_request_are_dropped(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, await read_body(receive))

    client = Http2Client(serve(application).connect())
    stream = client.request(method="POST", body=b"hello", ends=False)
    client.h2.send_headers(stream, [("x-sum", "1")], end_stream=True)
    client.flush()
    assert client.response(stream).body == b"hello"


def test_a_body_that_nobody_reads_is_dropped_and_then_refused(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"done")

    client = Http2Client(serve(application).connect())
    small = client.request(method="POST", body=b"x" * 100_000)
    assert client.response(small).body == b"done"
    large = client.request(method="POST", ends=False)
    assert client.response(large).body == b"done"
    response = client.responses[large]
    client.send(large, b"x" * 10_000_000)
    assert response.reset == 0
    assert client.get().body == b"done"


def test_a_response_that_is_cut_resets_its_stream_alone(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/cut":
            await respond(send, b"whole")
            return
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"12345", "more_body": True})
        raise RuntimeError("on purpose")

    server = serve(application)
    client = Http2Client(server.connect())
    whole = client.get()
    cut = client.get("/cut")
    assert (cut.status, cut.reset) == (200, 2)
    assert (whole.body, client.get().body) == (b"whole", b"whole")
    assert "on purpose" in server.reports.take_errors()[0]


def test_a_stream_that_waits_for_another_is_not_stalled(serve: Serve) -> None:
    """Streams of one urgency leave one after the other, however long the first one takes."""
    timeout, step = 2.5, 200

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"x" * (65535 if scope["path"] == "/filler" else 100 * step))

    client = Http2Client(serve(application, send_timeout=timeout).connect())
    client.until(lambda: client.settings_seen)
    client.give_back_connection = False
    client.get("/filler")
    first, second = client.request(), client.request()
    began = time.monotonic()
    while time.monotonic() < began + 2 * timeout:
        read = len(client.responses[first].body)
        client.h2.increment_flow_control_window(step)
        client.flush()
        client.until(lambda: len(client.responses[first].body) > read)  # noqa: B023
        time.sleep(timeout / 20)
    assert client.responses[second].body == b""
    client.h2.increment_flow_control_window(200 * step)
    client.flush()
    assert client.response(first).is_whole
    assert client.response(second).is_whole


@pytest.mark.parametrize("level", ["stream", "connection"])
def test_a_client_that_opens_no_window_is_broken_off(serve: Serve, level: str) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"x" * 50_000)

    client = Http2Client(serve(application, send_timeout=1.5).connect(), initial_window_size=49_000)
    if level == "connection":
        client.give_back_connection = False
        client.get("/filler")
    stalled = client.request()
    client.held.add(stalled)
    assert client.response(stalled).reset is not None


def test_what_waits_in_streams_is_unsent(serve: Serve) -> None:
    """As `casgi_unsent_bytes` and `casgi ctl connections` have it."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"x" * 300_000)

    server = serve(application)
    core = server.engine.server
    client = Http2Client(server.connect())
    slow = client.request()
    client.held.add(slow)
    client.until(lambda: len(client.responses[slow].body) == 65535)
    assert server.call(core.unsent_bytes) == 300_000 - 65535
    assert [each[6] for each in server.call(core.list_connections)] == [300_000 - 65535]
    client.held.discard(slow)
    client.give_window(slow, 2_000_000)
    assert len(client.response(slow).body) == 300_000
    assert server.call(core.unsent_bytes) == 0
