"""http.response.early_hint and http.response.trailers: what a client sees around a response."""

from typing import Any

import pytest
from support.apps import Gate, Journal, Receive, Scope, Send, respond
from support.raw import RawClient, request
from support.server import Serve

TE = "TE: trailers"


def hint(*links: bytes) -> dict[str, Any]:
    return {"type": "http.response.early_hint", "links": links}


def start(**values: Any) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [], **values}


def body(data: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def trailers(*fields: tuple[bytes, bytes], more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.trailers", "headers": fields, "more_trailers": more}


def sending(*messages: dict[str, Any]) -> Any:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


def refused(serve: Serve, message: Any, error: type[Exception], words: str, *before: Any) -> None:
    """Check that send() raises for the message that comes behind these."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for earlier in before:
            await send(earlier)
        try:
            await send(message)
        except Exception as raised:
            journal.add(raised)
            raise

    server = serve(application)
    with server.connect() as client:
        client.send(request(headers=["Connection: close"]))
        client.read_to_end()
    raised = journal.next()
    assert isinstance(raised, error), repr(raised)
    assert words in str(raised), str(raised)
    server.shut_down()
    server.join()
    server.reports.take_errors()


def read_with_trailers(client: RawClient) -> tuple[bytes, bytes]:
    """Return the body, of one chunk, and the trailer section."""
    head = client.read_head()
    assert head.header(b"transfer-encoding") == b"chunked"
    assert head.header(b"content-length") is None
    size = int(client.read_until(b"\r\n"), 16)
    data = client.read_exactly(size + 2)[:-2]
    assert client.read_exactly(3) == b"0\r\n"
    fields = b""
    while (line := client.read_until(b"\r\n")) != b"\r\n":
        fields += line
    return data, fields


# --- Early hints ---


def test_hints_come_before_the_response(serve: Serve) -> None:
    links = (b"</a.css>; rel=preload", b"</b.js>; rel=preload")
    with serve(sending(hint(*links), start(), hint(b"</c>"), body(b"hello"))).connect() as client:
        for _ in range(2):
            client.send(request())
            first, second, last = (client.read_response() for _ in range(3))
            assert (first.status, first.reason) == (103, b"Early Hints")
            assert first.headers == [(b"link", links[0]), (b"link", links[1])]
            assert second.headers == [(b"link", b"</c>")]
            assert (last.status, last.body) == (200, b"hello")


def test_hints_are_on_their_way_at_once(serve: Serve) -> None:
    gate = Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(hint(b"</a>"))
        await gate.wait()
        await respond(send, b"hello")

    with serve(application).connect() as client:
        client.send(request())
        assert client.read_response().status == 103
        gate.open()
        assert client.read_response().body == b"hello"


def test_hints_that_come_too_late_are_ignored(serve: Serve) -> None:
    messages = start(), body(b"one", more=True), hint(b"</a>"), body(b"two")
    assert serve(sending(*messages)).get().body == b"onetwo"


def test_no_hints_for_http_1_0(serve: Serve) -> None:
    response = serve(sending(hint(b"</a>"), start(), body(b"x"))).exchange(request(version="1.0"))
    assert (response.status, response.body) == (200, b"x")


def test_hints_that_are_none(serve: Serve) -> None:
    refused(serve, {"type": "http.response.early_hint"}, KeyError, "links")
    refused(serve, {"type": "http.response.early_hint", "links": 3}, TypeError, "iterable")
    refused(serve, hint("</a>"), ValueError, "bytes")  # type: ignore[arg-type]
    refused(serve, {"type": "http.response.early_hint", "links": b"</a>"}, ValueError, "bytes")
    refused(serve, hint(b"</a>\r\nx: y"), ValueError, "must not be sent")


# --- Trailers ---


@pytest.mark.parametrize("extra", [(), (body(b""),)])
def test_trailers_follow_the_body(serve: Serve, extra: tuple[dict[str, Any], ...]) -> None:
    more = bool(extra)
    messages = start(trailers=True), body(b"hello", more=more), *extra, trailers((b"x-a", b"1"))
    with serve(sending(*messages)).connect() as client:
        client.send(request(headers=[TE]) * 2)
        for _ in range(2):
            assert read_with_trailers(client) == (b"hello", b"x-a: 1\r\n")


@pytest.mark.parametrize("fields", [[(b"x-a", b"1" * 1000)], [(b"x", b"")] * 40])
def test_trailers_without_end(serve: Serve, fields: list[tuple[bytes, bytes]]) -> None:
    """They are kept until the last has come: without a limit they would fill the memory."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(trailers=True))
        await send(body(b"hello"))
        sent = 0
        try:
            for _ in range(1000):
                await send(trailers(*fields, more=True))
                sent += 1
        except RuntimeError as error:
            journal.add((sent, str(error)))
        with pytest.raises(RuntimeError, match="64 KiB"):
            await send(trailers((b"x-b", b"2")))
        journal.add("refused")

    server = serve(application)
    with server.connect() as client:
        client.send(request(headers=[TE]))
        assert not client.read_to_end().endswith(b"\r\n0\r\n\r\n")
    count, text = journal.next()
    assert 40 < count < 100
    assert "64 KiB" in text
    assert journal.next() == "refused"
    server.shut_down()
    server.join()
    server.reports.take_errors()


def test_trailers_in_several_messages(serve: Serve) -> None:
    messages = (
        start(trailers=True),
        body(b"hello"),
        trailers((b"x-a", b"1"), (b"x-b", b"2"), more=True),
        trailers(more=True),
        trailers((b"x-a", b"3")),
    )
    with serve(sending(*messages)).connect() as client:
        client.send(request(headers=["TE: deflate;q=0.5, trailers"]))
        assert read_with_trailers(client) == (b"hello", b"x-a: 1\r\nx-b: 2\r\nx-a: 3\r\n")


def test_trailers_only_for_a_client_that_takes_them(serve: Serve) -> None:
    messages = start(trailers=True), body(b"hello"), trailers((b"x-a", b"1"))
    with serve(sending(*messages)).connect() as client:
        client.send(request() + request(headers=[TE], method="HEAD") + request(headers=[TE]))
        assert client.read_response().body == b"hello"
        assert client.read_response("HEAD").status == 200
        assert read_with_trailers(client) == (b"hello", b"x-a: 1\r\n")
        client.send(request(headers=[TE], version="1.0"))
        assert client.read_response().body == b"hello"


def test_a_content_length_leaves_no_place_for_trailers(serve: Serve) -> None:
    head = start(trailers=True, headers=[(b"content-length", b"5")])
    with serve(sending(head, body(b"hello"), trailers((b"x-a", b"1")))).connect() as client:
        client.send(request(headers=[TE]) * 2)
        for _ in range(2):
            assert client.read_response().body == b"hello"


def test_trailers_behind_an_empty_body(serve: Serve) -> None:
    with serve(sending(start(trailers=True), body(), trailers((b"a", b"1")))).connect() as client:
        client.send(request(headers=[TE]))
        assert client.read_until(b"a: 1\r\n\r\n").endswith(b"\r\n\r\n0\r\na: 1\r\n\r\n")


def test_announced_trailers_that_never_come_cut_the_response(serve: Serve) -> None:
    server = serve(sending(start(trailers=True), body(b"hello")))
    with server.connect() as client:
        client.send(request(headers=[TE]))
        assert client.read_to_end().endswith(b"hello\r\n")
    server.wait_idle()
    (error,) = server.reports.take_errors()
    assert "without completing" in error


def test_trailers_that_are_none(serve: Serve) -> None:
    ready = start(trailers=True), body(b"x")
    refused(serve, trailers((b"x-a", b"1")), RuntimeError, "'trailers': True", start())
    refused(serve, trailers((b"x-a", b"1")), RuntimeError, "'trailers': True")
    refused(serve, body(b"more"), RuntimeError, "http.response.trailers must follow", *ready)
    for name in (b"content-length", b"Transfer-Encoding", b"trailer", b"host", b"bad name"):
        refused(serve, trailers((name, b"1")), ValueError, "must not be sent", *ready)
    refused(serve, trailers((b"x-a", b"1\r\nb: c")), ValueError, "must not be sent", *ready)
