"""Closing: codes and reasons both ways, and the disconnect exactly once."""

import asyncio

import pytest
from support.apps import Application, Gate, Journal, Receive, Scope, Send, recording_websocket
from support.engines import ClientDisconnected
from support.server import Serve
from support.ws import CLOSE, TEXT, close_payload, encode_frame


def closing(journal: Journal, **close: object) -> Application:
    """Return an application that accepts, closes, and notes what it receives then."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", **close})
        journal.add(await receive())

    return application


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, ""),
        (1000, "bye"),
        (1001, "going away"),
        (3001, "why"),
        (4999, "é😀"),
        (1011, "x" * 123),
    ],
)
def test_client_closes(serve: Serve, code: int, reason: str) -> None:
    journal = Journal()
    reason = reason.encode()[:123].decode()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send_close(code, reason)
        assert client.read_close()[0] == code
        client.assert_closed()
    disconnect = journal.next()
    assert disconnect["type"] == "websocket.disconnect"
    assert disconnect["code"] == code
    assert disconnect["reason"] == reason


def test_client_closes_without_a_code(serve: Serve) -> None:
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        client.send_close(None)
        assert client.read_close() == (None, "")
        client.assert_closed()
    disconnect = journal.next()
    assert disconnect["code"] == 1005
    assert not disconnect.get("reason")


@pytest.mark.parametrize("leave", ["close", "reset", "half_close"])
def test_connection_ends_without_a_close_frame(serve: Serve, leave: str) -> None:
    journal = Journal()
    server = serve(recording_websocket(journal))
    client = server.websocket()
    getattr(client, leave)()
    disconnect = journal.next()
    assert disconnect["type"] == "websocket.disconnect"
    assert disconnect["code"] == 1006
    assert not disconnect.get("reason")
    server.wait_idle()


@pytest.mark.parametrize("size", [1, 2, 5, 6, 8])
def test_connection_ends_within_a_frame(serve: Serve, size: int) -> None:
    journal = Journal()
    client = serve(recording_websocket(journal)).websocket()
    client.send(encode_frame(TEXT, b"hello")[:size])
    client.half_close()
    assert journal.next()["code"] == 1006


def test_messages_before_the_end_are_delivered(serve: Serve) -> None:
    journal = Journal()
    client = serve(recording_websocket(journal)).websocket()
    for number in range(20):
        client.send_text(str(number))
    client.close()
    assert [journal.next()["text"] for _ in range(20)] == [str(number) for number in range(20)]
    assert journal.next()["code"] == 1006


@pytest.mark.parametrize(
    ("close", "code", "reason"),
    [
        ({}, 1000, ""),
        ({"code": 1000}, 1000, ""),
        ({"code": None}, 1000, ""),
        ({"code": 4321}, 4321, ""),
        ({"code": 4321, "reason": "bye"}, 4321, "bye"),
        ({"code": 3000, "reason": None}, 3000, ""),
        ({"reason": "é😀"}, 1000, "é😀"),
        ({"code": 1013, "reason": ""}, 1013, ""),
    ],
)
def test_application_closes(serve: Serve, close: dict[str, object], code: int, reason: str) -> None:
    journal = Journal()
    with serve(closing(journal, **close)).websocket() as client:
        assert client.read_close() == (code, reason)
        client.send_close(code)
        client.assert_closed()
    disconnect = journal.next()
    assert disconnect["type"] == "websocket.disconnect"
    assert disconnect["code"] == code


def test_own_code_stands_above_the_answer(serve: Serve) -> None:
    """The client answers with another code; the application gets its own."""
    journal = Journal()
    with serve(closing(journal, code=4321)).websocket() as client:
        assert client.read_close()[0] == 4321
        client.send_close(1000)
        client.assert_closed()
    assert journal.next()["code"] == 4321


def test_own_code_when_the_client_just_goes(serve: Serve) -> None:
    journal = Journal()
    client = serve(closing(journal, code=4321)).websocket()
    assert client.read_close()[0] == 4321
    client.close()
    assert journal.next()["code"] == 4321


@pytest.mark.parametrize(
    "close",
    [
        *[{"code": code} for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70000, -1)],
        *[{"code": "1000"}, {"code": 1000.5}, {"reason": b"bytes"}, {"reason": 7}],
    ],
)
def test_close_that_must_not_be_sent(serve: Serve, close: dict[str, object]) -> None:
    """Refused, and the connection stays open; RFC 6455, 7.4 names the codes."""
    outcome = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            await send({"type": "websocket.close", **close})
        except (ValueError, TypeError, RuntimeError) as error:
            outcome.add(type(error))
            await send({"type": "websocket.close", "code": 4000})
        else:
            outcome.add(None)

    with serve(application).websocket() as client:
        assert client.read_close()[0] == 4000
    assert outcome.next() is not None


@pytest.mark.parametrize("reason", ["x" * 124, "x" * 10_000, "é" * 62])
def test_reason_that_is_too_long(serve: Serve, reason: str) -> None:
    """It is cut at a character: the WebSocket closes, as under daphne, which leaves it out."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000, "reason": reason})

    with serve(application).websocket() as client:
        code, sent = client.read_close()
        assert code == 4000
        assert 122 <= len(sent.encode()) <= 123
        assert reason.startswith(sent)


def test_both_close_at_once(serve: Serve) -> None:
    journal, gate = Journal(), Gate()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await gate.wait()
        try:
            await send({"type": "websocket.close", "code": 4001})
        except ClientDisconnected:
            journal.add("late")
        journal.add(await receive())

    server = serve(application)
    with server.websocket() as client:
        client.send_close(3000)
        gate.open()
        assert client.read_close()[0] in (3000, 4001)
        client.assert_closed()
    message = journal.next()
    message = journal.next() if message == "late" else message
    assert message["code"] in (3000, 4001)
    server.wait_idle()


def test_nothing_after_the_close_frame_is_delivered(serve: Serve) -> None:
    """RFC 6455, 1.4: data behind a close frame is discarded."""
    journal = Journal()
    with serve(recording_websocket(journal)).websocket() as client:
        late = encode_frame(TEXT, b"too late") + encode_frame(CLOSE, close_payload(4000))
        client.send(encode_frame(CLOSE, close_payload(3000)) + late)
        assert client.read_close()[0] == 3000
        client.assert_closed()
    assert journal.next()["code"] == 3000
    assert journal.rest() == []


def test_message_that_crosses_the_applications_close(serve: Serve) -> None:
    """It was sent before the client knew; the application no longer wants it."""
    journal = Journal()
    with serve(closing(journal, code=4000)).websocket() as client:
        assert client.read_close()[0] == 4000
        client.send_text("crossing")
        client.send_close(4000)
        client.assert_closed()
    assert journal.next()["type"] == "websocket.disconnect"


def test_disconnect_is_delivered_once(serve: Serve) -> None:
    """Of several that wait, one gets it; asking again never gives a second one."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        waiting = {asyncio.create_task(_noted(receive, journal)) for _ in range(3)}
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        waiting.add(asyncio.create_task(_noted(receive, journal)))
        await asyncio.wait(waiting, timeout=0.2)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*done, *waiting, return_exceptions=True)
        journal.add("over")

    server = serve(application)
    client = server.websocket()
    client.finish(3000)
    assert journal.next()["code"] == 3000
    assert journal.next() == "over"
    server.wait_idle()


def test_application_that_receives_for_ever_is_cancelled(serve: Serve) -> None:
    """As under daphne: a consumer may wait for its channel when its client has gone."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        try:
            while True:
                journal.add((await receive())["type"])
        except asyncio.CancelledError:
            journal.add("cancelled")
            raise

    server = serve(application, application_close_timeout=0.3)
    server.websocket().finish(3000)
    noted = [journal.next() for _ in range(3)]
    assert noted == ["websocket.connect", "websocket.disconnect", "cancelled"]
    server.wait_idle()


def test_task_that_the_application_left_behind_is_told(serve: Serve) -> None:
    """Nobody would ever end it."""
    journal = Journal()
    left_behind: list[asyncio.Task[None]] = []

    async def listen(receive: Receive) -> None:
        try:
            await receive()
        except RuntimeError as error:
            journal.add(str(error))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        assert (await receive())["type"] == "websocket.disconnect"
        left_behind.extend(asyncio.create_task(listen(receive)) for _ in range(2))
        await asyncio.sleep(0.1)
        journal.add("over")

    server = serve(application)
    server.websocket().finish(3000)
    assert journal.next() == "over"
    assert "nothing more to receive" in journal.next()
    assert "nothing more to receive" in journal.next()
    left_behind.clear()
    server.wait_idle()


async def _noted(receive: Receive, journal: Journal) -> None:
    journal.add(await receive())


def test_close_handshake_that_the_client_never_ends(serve: Serve) -> None:
    """The server does not keep the connection for ever."""
    journal = Journal()
    server = serve(closing(journal, code=4000), ping_timeout=0.5, application_close_timeout=0.5)
    with server.websocket() as client:
        assert client.read_close()[0] == 4000
        client.read_to_end(timeout=20)
    assert journal.next()["code"] == 4000
    server.wait_idle()


def test_server_closes_the_connection_first(serve: Serve) -> None:
    """RFC 6455, 7.1.1: so that it is the server that holds TIME_WAIT."""
    with serve(recording_websocket(Journal())).websocket() as client:
        client.finish()
