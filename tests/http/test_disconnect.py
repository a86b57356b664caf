"""A client that leaves is told to the application at once, and nothing waits for it any more."""

import asyncio
import contextlib

import pytest
from support.apps import Journal, Receive, Scope, Send, hello, read_body, respond
from support.raw import RawClient, request
from support.server import Serve


async def begin_events(send: Send) -> None:
    """Begin a stream of server-sent events."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})


def open_stream(client: RawClient) -> None:
    """Ask for a stream and wait for its first event."""
    client.send(request())
    assert client.read_head().status == 200
    client.read_until(b"data: 1\n\n")


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_quiet_stream(serve: Serve, leave: str) -> None:
    """Nothing is being sent when the client leaves, so that no write can fail."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await begin_events(send)
        journal.add(await receive())

    server = serve(application)
    client = server.connect()
    open_stream(client)
    getattr(client, leave)()
    assert journal.next() == {"type": "http.disconnect"}
    server.wait_idle()


def test_before_the_response(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        journal.add("waiting")
        journal.add(await receive())

    server = serve(application)
    client = server.connect()
    client.send(request())
    assert journal.next() == "waiting"
    client.close()
    assert journal.next() == {"type": "http.disconnect"}
    server.wait_idle()


def test_receive_again_after_the_disconnect(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await begin_events(send)
        for _ in range(3):
            journal.add(await receive())

    server = serve(application)
    client = server.connect()
    open_stream(client)
    client.close()
    assert [journal.next() for _ in range(3)] == [{"type": "http.disconnect"}] * 3


def test_send_after_the_disconnect(serve: Serve) -> None:
    """It is silent, as every server's for HTTP: frameworks count on http.disconnect instead."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await begin_events(send)
        journal.add(await receive())
        for _ in range(2):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            journal.add("silent")
        await send({"type": "http.response.body", "body": b"x", "more_body": True})

    server = serve(application)
    client = server.connect()
    open_stream(client)
    client.close()
    assert journal.next() == {"type": "http.disconnect"}
    assert journal.next() == "silent"
    assert journal.next() == "silent"
    server.wait_idle()


def test_response_start_after_the_disconnect(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        journal.add("waiting")
        await receive()
        await respond(send)

    server = serve(application)
    client = server.connect()
    client.send(request())
    assert journal.next() == "waiting"
    client.close()
    server.wait_idle()


@pytest.mark.parametrize("pause", [0.01, None], ids=["with pauses", "without"])
def test_application_that_only_sends(serve: Serve, pause: float | None) -> None:
    """It never calls receive, and learns nothing: it is cancelled, and does not keep the loop."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/other":
            return await respond(send, b"other")
        await begin_events(send)
        try:
            while True:
                await send(
                    {"type": "http.response.body", "body": b"data: 2\n\n", "more_body": True}
                )
                if pause is not None:
                    await asyncio.sleep(pause)
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, application_close_timeout=0.3)
    client = server.connect()
    open_stream(client)
    client.close()
    assert server.get("/other").body == b"other"
    assert journal.next() == "cancelled"
    server.wait_idle()


def test_application_that_ignores_it_is_cancelled(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await begin_events(send)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, application_close_timeout=0.3)
    client = server.connect()
    open_stream(client)
    client.close()
    assert journal.next() == "cancelled"
    server.wait_idle()


def test_application_has_time_to_clean_up(serve: Serve) -> None:
    """It is not cancelled before application_close_timeout."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await begin_events(send)
        await receive()
        await asyncio.sleep(0.3)
        journal.add("clean")

    server = serve(application, application_close_timeout=10.0)
    client = server.connect()
    open_stream(client)
    client.close()
    assert journal.next() == "clean"
    server.wait_idle()


def test_application_that_goes_on_after_its_response_is_not_cut_off(serve: Serve) -> None:
    """Background work after a whole response may take as long as it wants."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"done")
        await asyncio.sleep(0.5)
        journal.add("background")

    server = serve(application, application_close_timeout=0.1)
    with server.connect() as client:
        client.send(request(headers=["Connection: close"]))
        assert client.read_response().body == b"done"
    assert journal.next() == "background"
    server.wait_idle()


def test_application_that_receives_for_ever_is_cancelled(serve: Serve) -> None:
    """All of it is answered and it was told so: what it waits for cannot come."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"done")
        try:
            while True:
                journal.add((await receive())["type"])
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, application_close_timeout=0.3)
    with server.connect() as client:
        client.send(request())
        assert client.read_response().body == b"done"
        kept = [journal.next() for _ in range(3)]
        assert kept == ["http.request", "http.disconnect", "cancelled"]
    server.wait_idle()


def test_application_that_receives_for_ever_without_answering(serve: Serve) -> None:
    """It is told several times, and keeps neither the loop nor its own end waiting."""
    journal = Journal()
    told = 0

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal told
        await read_body(receive)
        journal.add("asked")
        try:
            while True:
                assert (await receive())["type"] == "http.disconnect"
                told += 1
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, application_close_timeout=0.3)
    with server.connect() as client:
        client.send(request())
        assert journal.next() == "asked"
    assert journal.next() == "cancelled"
    assert 1 < told < 100
    server.wait_idle()


def test_application_that_gave_up_receiving_is_not_cut_off(serve: Serve) -> None:
    """It has asked in vain, as `Request.is_disconnected()` may, and goes on with its work."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await respond(send, b"done")
        assert (await receive())["type"] == "http.disconnect"
        asking = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await asyncio.sleep(1.5)
        journal.add("background")

    server = serve(application, application_close_timeout=1.0)
    with server.connect() as client:
        client.send(request())
        assert client.read_response().body == b"done"
        assert journal.next() == "background"
    server.wait_idle()


def test_task_that_the_application_left_behind_is_told(serve: Serve) -> None:
    journal = Journal()
    left_behind: list[asyncio.Task[None]] = []

    async def listen(receive: Receive) -> None:
        journal.add([(await receive())["type"] for _ in range(3)])

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        left_behind.append(asyncio.create_task(listen(receive)))
        await respond(send, b"done")
        await asyncio.sleep(0.1)

    server = serve(application)
    with server.connect() as client:
        client.send(request())
        assert client.read_response().body == b"done"
        assert journal.next() == ["http.disconnect"] * 3
    left_behind.clear()
    server.wait_idle()


def test_many_clients_leave_at_once(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        await begin_events(send)
        journal.add((await receive())["type"])

    server = serve(application)
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        open_stream(client)
    for client in clients:
        client.close()
    assert [journal.next() for _ in clients] == ["http.disconnect"] * 100
    server.wait_idle()


def test_leaving_while_idle(serve: Serve) -> None:
    server = serve(hello)
    for leave in ("close", "reset"):
        client = server.connect()
        client.send(request())
        assert client.read_response().status == 200
        getattr(client, leave)()
        server.wait_idle()
