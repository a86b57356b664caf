"""Plain Channels consumers: they must work here as on daphne.

Channels' own code decides what is sent when; these tests hold the places where servers differ.
"""

from typing import Any

import pytest
from support.apps import Journal
from support.django_settings import configure_django
from support.server import LiveServer, Serve
from support.ws import upgrade

configure_django()

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402


class Echo(AsyncWebsocketConsumer):
    """Sends back what it gets."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data, bytes_data=bytes_data)


def drop_late_messages(server: LiveServer) -> None:
    """Do what casgi.Server does with Channels as it is, whose consumers mark nothing."""
    server.engine.server.drops_late_messages = True  # type: ignore[attr-defined]


def noting(journal: Journal, **methods: Any) -> Any:
    """Return a consumer that notes its disconnect, with further methods."""

    async def disconnect(self: Any, code: int) -> None:
        journal.add(code)

    made: Any = type("Noting", (AsyncWebsocketConsumer,), {"disconnect": disconnect, **methods})
    return made.as_asgi()


def test_echo(serve: Serve) -> None:
    with serve(Echo.as_asgi()).websocket() as client:
        client.send_text("hello")
        assert client.read_text() == "hello"
        client.send_binary(b"\x00\xff")
        assert client.read_binary() == b"\x00\xff"
        client.finish()


def test_sync_consumer(serve: Serve) -> None:
    class Upper(WebsocketConsumer):
        def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            self.send((text_data or "").upper())

    with serve(Upper.as_asgi()).websocket() as client:
        client.send_text("hello")
        assert client.read_text() == "HELLO"
        client.finish()


@pytest.mark.parametrize(("sent", "wanted"), [(3001, 3001), (1000, 1000), (None, 1005)])
def test_code_of_the_client(serve: Serve, sent: int | None, wanted: int) -> None:
    journal = Journal()
    with serve(noting(journal)).websocket() as client:
        client.send_close(sent)
        client.read_close()
        client.assert_closed()
    assert journal.next() == wanted


def test_code_when_the_connection_ends(serve: Serve) -> None:
    journal = Journal()
    serve(noting(journal)).websocket().close()
    assert journal.next() == 1006


def test_code_of_the_consumer(serve: Serve) -> None:
    journal = Journal()

    async def receive(self: Any, text_data: str) -> None:
        await self.close(code=4321, reason="enough")

    with serve(noting(journal, receive=receive)).websocket() as client:
        client.send_text("go")
        assert client.read_close() == (4321, "enough")
        client.send_close(4321)
        client.assert_closed()
    assert journal.next() == 4321


@pytest.mark.parametrize("ending", ["client", "consumer", "lost"])
def test_send_in_disconnect_is_silent(serve: Serve, ending: str) -> None:
    """What comes behind that send in disconnect() must run: it cleans up."""
    journal = Journal()

    async def receive(self: Any, text_data: str) -> None:
        await self.close()

    async def disconnect(self: Any, code: int) -> None:
        await self.send(text_data="too late")
        await self.close()
        journal.add("cleaned up")

    server = serve(noting(journal, receive=receive, disconnect=disconnect))
    drop_late_messages(server)
    client = server.websocket()
    if ending == "client":
        client.finish()
    elif ending == "consumer":
        client.send_text("go")
        client.finish_close()
        client.assert_closed()
    else:
        client.close()
    assert journal.next() == "cleaned up"
    server.wait_idle()


def test_reject_in_connect(serve: Serve) -> None:
    async def connect(self: Any) -> None:
        await self.close()

    with serve(noting(Journal(), connect=connect)).websocket_connect() as client:
        client.send(upgrade())
        assert client.read_response().status == 403


def test_crash_in_connect(serve: Serve) -> None:
    async def connect(self: Any) -> None:
        raise RuntimeError("connect failed")

    server = serve(noting(Journal(), connect=connect))
    with server.websocket_connect() as client:
        client.send(upgrade())
        assert client.read_response().status == 500
    server.reports.expect("connect failed", exception=RuntimeError)


def test_crash_in_receive(serve: Serve) -> None:
    async def receive(self: Any, text_data: str) -> None:
        raise RuntimeError("receive failed")

    server = serve(noting(Journal(), receive=receive))
    with server.websocket() as client:
        client.send_text("go")
        assert client.read_close()[0] == 1011
    server.reports.expect("receive failed", exception=RuntimeError)


def test_unknown_route(serve: Serve) -> None:
    """URLRouter raises ValueError for it."""
    server = serve(ProtocolTypeRouter({"websocket": URLRouter([])}))
    with server.websocket_connect() as client:
        client.send(upgrade("/nowhere"))
        assert client.read_response().status == 500
    server.reports.expect("/nowhere", exception=ValueError)


def test_subprotocol(serve: Serve) -> None:
    async def connect(self: Any) -> None:
        await self.accept(subprotocol=self.scope["subprotocols"][-1])

    client = serve(noting(Journal(), connect=connect)).websocket_connect()
    client.send(upgrade(headers=["Sec-WebSocket-Protocol: a, b"]))
    assert client.read_accept().header(b"sec-websocket-protocol") == b"b"
    client.finish()


def test_group(serve: Serve) -> None:
    """Two tasks per message wait and are cancelled in Channels; nothing may get lost on the way."""

    async def connect(self: Any) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self: Any, text_data: str) -> None:
        await self.channel_layer.group_send("room", {"type": "said", "text": text_data})

    async def said(self: Any, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    server = serve(noting(Journal(), connect=connect, receive=receive, said=said))
    clients = [server.websocket() for _ in range(5)]
    for number in range(50):
        clients[number % 5].send_text(str(number))
        for client in clients:
            assert client.read_text() == str(number)


def test_shutdown(serve: Serve) -> None:
    journal = Journal()
    server = serve(noting(journal))
    with server.websocket() as client:
        server.shut_down()
        assert client.read_close()[0] == 1012
        client.answer_stop()
        client.assert_closed()
    assert journal.next() == 1012
    server.join()
