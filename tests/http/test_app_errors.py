"""Applications that fail: an honest answer to the client, the reason in the log, and on it goes."""

import asyncio

import pytest
from support.apps import Receive, Scope, Send, hello, read_body, respond
from support.raw import request
from support.server import LiveServer, Serve


class Broken(Exception):
    """What the applications here raise."""


def assert_unharmed(server: LiveServer) -> None:
    """Check that the server still answers, and that nothing of the failure is left."""
    assert server.get("/fine").body == b"hello"
    server.wait_idle()


async def raises_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail before anything, except on /fine."""
    if scope["path"] == "/fine":
        return await hello(scope, receive, send)
    raise Broken("at once")


def test_before_the_response(serve: Serve) -> None:
    server = serve(raises_at_once)
    response = server.get("/boom?a=1")
    assert response.status == 500
    assert b"Broken" not in response.body, "the client is not told about the code"
    report = server.reports.expect("GET /boom", "Broken", exception=Broken)
    assert "Traceback" in report.text
    assert "raises_at_once" in report.text
    assert_unharmed(server)


def test_log_line_cannot_be_forged(serve: Serve) -> None:
    """The target stands in the log as it was sent, its escapes not decoded."""
    server = serve(raises_at_once)
    server.get("/boom%0d%0aERROR%20forged")
    report = server.reports.expect("/boom", exception=Broken)
    assert "\nERROR forged" not in report.text
    assert "\r" not in report.text


def test_after_reading_the_body(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fine":
            return await hello(scope, receive, send)
        await read_body(receive)
        raise Broken("later")

    server = serve(application)
    assert server.exchange(request("/boom", method="POST", body=b"x" * 100_000)).status == 500
    server.reports.expect("POST /boom", exception=Broken)
    assert_unharmed(server)


def test_with_the_body_unread(serve: Serve) -> None:
    server = serve(raises_at_once)
    assert server.exchange(request("/boom", method="POST", body=b"x" * 1_000_000)).status == 500
    server.reports.expect("POST /boom", exception=Broken)
    assert_unharmed(server)


def test_between_start_and_body(serve: Serve) -> None:
    """Nothing has been sent yet, so that it still can be a 500."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fine":
            return await hello(scope, receive, send)
        await send({"type": "http.response.start", "status": 200})
        raise Broken

    server = serve(application)
    assert server.get("/boom").status == 500
    server.reports.expect("GET /boom", exception=Broken)
    assert_unharmed(server)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"10")]], ids=["chunked", "length"])
def test_within_the_response(serve: Serve, headers: list[tuple[bytes, bytes]]) -> None:
    """The connection closes in a way that the client cannot take for the end of the body."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fine":
            return await hello(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        raise Broken

    server = serve(application)
    with server.connect() as client:
        client.send(request("/boom") + request("/never"))
        rest = client.read_to_end()
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert b"begun" in rest
    assert rest.count(b"HTTP/1.1 ") == 1
    assert not rest.endswith(b"0\r\n\r\n")
    server.reports.expect("GET /boom", exception=Broken)
    assert_unharmed(server)


def test_after_the_response(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        if scope["path"] == "/boom":
            raise Broken

    server = serve(application)
    with server.connect() as client:
        client.send(request("/boom"))
        assert client.read_response().body == b"hello"
    server.reports.expect("GET /boom", exception=Broken)
    assert_unharmed(server)


def test_returns_without_answering(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fine":
            await hello(scope, receive, send)

    server = serve(application)
    assert server.get("/nothing").status == 500
    server.reports.expect("GET /nothing")
    assert_unharmed(server)


def test_returns_after_the_start_only(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    server = serve(application)
    assert server.get("/half").status == 500
    server.reports.expect("GET /half")


def test_returns_within_the_response(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})

    server = serve(application)
    with server.connect() as client:
        client.send(request("/half"))
        rest = client.read_to_end()
    assert b"begun" in rest
    assert not rest.endswith(b"0\r\n\r\n")
    server.reports.expect("GET /half")


def test_cancels_itself(serve: Serve) -> None:
    """Nobody cancelled it, so that it is an application that did not answer."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fine":
            return await hello(scope, receive, send)
        raise asyncio.CancelledError

    server = serve(application)
    assert server.get("/cancel").status == 500
    server.reports.expect("GET /cancel")
    assert_unharmed(server)


def test_not_a_coroutine_function(serve: Serve) -> None:
    def application(scope: Scope, receive: Receive, send: Send) -> int:
        return 7

    server = serve(application)
    assert server.get("/odd").status == 500
    server.reports.expect("GET /odd")


def test_raises_when_called(serve: Serve) -> None:
    def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise Broken("not even a coroutine")

    server = serve(application)
    assert server.get("/call").status == 500
    server.reports.expect("GET /call", exception=Broken)


def test_application_may_be_any_awaitable(serve: Serve) -> None:
    class Callable:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await respond(send, b"object")

    assert serve(Callable()).get().body == b"object"


def test_next_request_of_the_connection_is_unharmed(serve: Serve) -> None:
    """The connection goes on after a 500."""
    server = serve(raises_at_once)
    with server.connect() as client:
        client.send(request("/boom") + request("/fine"))
        assert client.read_response().status == 500
        assert client.read_response().body == b"hello"
    server.reports.expect("GET /boom", exception=Broken)


def test_failing_many_times(serve: Serve) -> None:
    server = serve(raises_at_once)
    for _ in range(50):
        assert server.get("/boom").status == 500
        server.reports.expect("GET /boom", exception=Broken)
    assert_unharmed(server)
