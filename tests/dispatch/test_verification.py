"""`--verify-shared` sees what leaves the application, and says nothing of what is no difference."""

import logging
from typing import Any

import pytest
from support.ws import PING

from casgi.channels import dispatch, verification

from . import consumers, verified_consumers
from .conftest import Accelerated
from .test_fan_out import MESSAGE, members, send


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for text in caplog.messages if "is not shareable" in text]


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="casgi.channels")


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("kind", [consumers.Room, consumers.SyncRoom])
def test_middleware_whose_send_looks_like_asgirefs(
    accelerated: Accelerated,
    layer: Any,
    caplog: pytest.LogCaptureFixture,
    kind: Any,
    verify: bool,
) -> None:
    server = accelerated(verified_consumers.Shouting(kind.as_asgi()), verify=verify)
    clients = members(server, layer, 2)
    send(server, layer, MESSAGE)
    assert [client.read_text() for client in clients] == ['{"TEXT": "HI"}'] * 2
    assert complaints(caplog) == [] and layer.local.shared == 0


def test_wrapper_that_is_looked_behind_wrongly_is_found(
    accelerated: Accelerated,
    layer: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Verification takes nothing for granted that sharing takes for granted."""

    def careless(base_send: Any, seam: Any) -> Any:
        return getattr(base_send, "awaitable", base_send)

    monkeypatch.setattr(dispatch, "innermost_send", careless)
    server = accelerated(verified_consumers.Shouting(consumers.Room.as_asgi()), verify=True)
    [client] = members(server, layer, 1)
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"TEXT": "HI"}'
    client.send_frame(PING, b"read")
    assert client.read_frame().payload == b"read"
    [complaint] = complaints(caplog)
    assert """sent ['{"TEXT": "HI"}'], its shared run ['{"text": "hi"}']""" in complaint
    server.reports.take_errors()


def test_task_beside_the_handler_is_no_difference(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Its messages leave while the handler waits for old database connections to be closed."""
    server = accelerated(verified_consumers.Ticking.as_asgi(), verify=True)
    [client] = members(server, layer, 1)
    client.send_text("begin")
    send(server, layer, {"type": "room.message", "text": "message"})
    while client.read_text() != "message":
        pass
    client.send_text("end")
    while client.read_text() != "over":
        pass
    assert complaints(caplog) == []


def test_half_of_a_surrogate_pair_is_no_difference(
    accelerated: Accelerated, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No frame can be made of it: each consumer meets the error by itself."""
    server = accelerated(verified_consumers.Plain.as_asgi(), verify=True)
    [client] = members(server, layer, 1)
    send(server, layer, {"type": "room.message", "text": "\ud800"})
    assert client.read_close()[0] == 1011
    assert complaints(caplog) == []
    caplog.clear()  # its tracebacks keep the connection
    server.reports.take_errors()


async def test_server_that_refuses_what_is_sent_is_no_difference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As when the client has left in the middle of a handler."""

    async def refuse(message: dict[str, Any]) -> None:
        raise OSError("the client has left")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def handle(message: dict[str, Any]) -> None:
            await send({"type": "websocket.send", "text": "one"})

        with pytest.raises(OSError, match="has left"):
            await verification._compare(None, handle, MESSAGE, ["one", "two"])

    await verification.observed(application)({"type": "websocket"}, None, refuse)
    assert complaints(caplog) == []
