"""`--verify-shared`: a shareable handler runs for each consumer, compared with its shared run.

For staging: it costs more than sharing saves.
"""

import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from types import MethodType
from typing import Any

from casgi import _core
from casgi.channels.sharing import plan_of

logger = logging.getLogger("casgi.channels")


def verifying_dispatch(
    consumer: Any, dispatch: Callable[[dict[str, Any]], Awaitable[None]], context: Context
) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Return a dispatch that compares, for one consumer.

    The shared run is that of somebody else, so it must not find the consumer's language or other
    context variables: it has those of `context`.
    """
    plan = plan_of(type(consumer))

    async def compare(message: dict[str, Any]) -> None:
        plain = _core.copy_plain(message)
        shared = None if plain is None else context.copy().run(plan.run, plain)
        described = str(message.get("type"))
        if shared is None or not _is_as_its_class(consumer, shared.methods):
            await dispatch(message)
            return
        expected = list(shared.payloads)
        recorder = _Recorder(consumer.base_send)
        consumer.base_send = recorder.send_sync if consumer._sync else recorder.send
        try:
            await dispatch(message)
        except Exception as error:
            _report(consumer, described, expected, [*recorder.payloads, error])
            raise
        finally:
            consumer.base_send = recorder.base_send
        if recorder.payloads != expected:
            _report(consumer, described, expected, recorder.payloads)

    return compare


def _is_as_its_class(consumer: Any, expected: tuple[tuple[str, Any], ...]) -> bool:
    """Whether no attribute of the instance hides a method: else it would get no shared frame."""
    methods = [(getattr(consumer, name, None), function) for name, function in expected]
    return all(
        isinstance(method, MethodType)
        and method.__func__ is function
        and (method.__self__ is consumer or method.__self__ is type(consumer))
        for method, function in methods
    )


class _Recorder:
    """Notes what a consumer sends while one handler runs, and passes it on."""

    def __init__(self, base_send: Any) -> None:
        self.base_send = base_send
        self.payloads: list[Any] = []

    async def send(self, message: dict[str, Any]) -> None:
        self._note(message)
        await self.base_send(message)

    def send_sync(self, message: dict[str, Any]) -> None:
        self._note(message)
        self.base_send(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("type") == "websocket.send":
            text = message.get("text")
            self.payloads.append(message.get("bytes") if text is None else text)
        else:
            self.payloads.append(message)


def _report(consumer: Any, message_type: str, expected: list[Any], sent: list[Any]) -> None:
    kind = type(consumer)
    logger.error(
        "The handler of %r is not shareable: %s.%s on %s sent %r, its shared run %r."
        " Serve with --no-accelerate and report this as a bug of casgi,"
        " or remove @casgi.channels.shared if the handler has it.",
        message_type,
        kind.__module__,
        kind.__qualname__,
        consumer.scope.get("path"),
        sent,
        expected,
    )
