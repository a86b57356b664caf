"""Middleware around `send` and `receive`: what is looked behind, and what is said of the others."""

import ast
import logging
import types
from typing import Any

import pytest
from channels.sessions import SessionMiddlewareStack
from django.db.backends.signals import connection_created

from casgi.channels.acceleration import acceleration
from casgi.channels.wrappers import Wrappers

from . import consumers
from .conftest import Accelerated
from .test_fan_out import MESSAGE, members, send


class Counting:
    """Counts what passes, in both directions or one."""

    def __init__(self, application: Any, *, wraps_receive: bool = False) -> None:
        self.application = application
        self.wraps_receive = wraps_receive
        self.sent = 0
        self.received = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def counted_send(message: Any) -> None:
            self.sent += message["type"] == "websocket.send"
            await send(message)

        async def counted_receive() -> Any:
            self.received += 1
            return await receive()

        await self.application(
            scope, counted_receive if self.wraps_receive else receive, counted_send
        )


@pytest.mark.parametrize("kind", [consumers.Room, consumers.SyncRoom])
@pytest.mark.parametrize("has_sessions", [False, True])
def test_sentry_is_looked_behind(
    accelerated: Accelerated, layer: Any, kind: Any, has_sessions: bool
) -> None:
    pytest.importorskip("sentry_sdk", reason="it is of the extra 'frameworks'")
    from sentry_sdk.integrations.asgi import SentryAsgiMiddleware

    inner = kind.as_asgi()
    server = accelerated(
        SentryAsgiMiddleware(SessionMiddlewareStack(inner) if has_sessions else inner)
    )
    clients = members(server, layer, 2)
    send(server, layer, MESSAGE)
    assert [client.read_text() for client in clients] == ['{"text": "hi"}'] * 2
    assert layer.local.shared == 2


def test_function_that_has_only_sentrys_code_is_not_looked_behind() -> None:
    asgi = pytest.importorskip("sentry_sdk.integrations.asgi")
    wrappers = Wrappers()
    code = wrappers._sentry
    assert code is not None
    cells = {"send": types.CellType(send), code.co_freevars[1]: types.CellType(None)}
    closure = tuple(cells[name] for name in code.co_freevars)
    assert wrappers.behind(types.FunctionType(code, vars(asgi), closure=closure)) is send
    assert wrappers.behind(types.FunctionType(code, globals(), closure=closure)) is None
    assert wrappers.behind(send) is None


@pytest.mark.parametrize("wraps_receive", [False, True])
def test_wrapper_that_prevents_sharing_is_told_once(
    accelerated: Accelerated,
    layer: Any,
    caplog: pytest.LogCaptureFixture,
    wraps_receive: bool,
) -> None:
    caplog.set_level(logging.INFO, logger="casgi.channels")
    counting = Counting(consumers.Room.as_asgi(), wraps_receive=wraps_receive)
    server = accelerated(counting)
    clients = [server.websocket() for _ in range(2)]
    send(server, layer, MESSAGE)
    assert [client.read_text() for client in clients] == ['{"text": "hi"}'] * 2
    assert (counting.sent, layer.local.shared) == (2, 0)
    [line] = [text for text in caplog.messages if "each consumer behind it" in text]
    what = "counted_receive" if wraps_receive else "counted_send"
    assert f"Counting.__call__.<locals>.{what} ({__file__}:" in line


def test_opened_connections_are_noticed_without_a_receiver(accelerated: Accelerated) -> None:
    """Sentry would show it to users as a part of each request that opens a connection."""
    before = list(connection_created.receivers)
    accelerated(consumers.Room.as_asgi())
    assert list(connection_created.receivers) == before
    assert connection_created.has_listeners() == bool(before)


class Opened:
    """As a connection that Django has opened."""

    connection = "open"
    close_at = None


def test_send_of_the_signal_that_somebody_has_replaced(
    accelerated: Accelerated, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    def own_send(sender: Any, **named: Any) -> list[Any]:
        told.append(named)
        return []

    monkeypatch.setattr(connection_created, "send", own_send)
    server = accelerated(consumers.Room.as_asgi())
    connection = Opened()
    connection_created.send(None, connection=connection)
    assert told == [{"connection": connection}]
    assert acceleration._databases._open() == [connection]
    server.call(acceleration.end)
    assert connection_created.send is own_send
    server.call(lambda: acceleration.begin(server.loop))


def test_handlers_are_proved_before_the_first_message(
    accelerated: Accelerated, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = accelerated(consumers.Room.as_asgi())
    [client] = members(server, layer, 1)
    parsed: list[str] = []
    parse = ast.parse

    def counted(*args: Any, **options: Any) -> Any:
        parsed.append("")
        return parse(*args, **options)

    monkeypatch.setattr(ast, "parse", counted)
    send(server, layer, MESSAGE)
    assert client.read_text() == '{"text": "hi"}'
    assert (layer.local.shared, parsed) == (1, [])
