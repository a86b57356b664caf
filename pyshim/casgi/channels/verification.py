"""`--verify-shared`: a shareable handler runs for each consumer, compared with its shared run.

What it sends is looked at where it leaves the application, outside of all middleware: so whatever
casgi takes for granted in between is verified as well. For staging: it costs more than sharing
saves.
"""

import logging
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar
from types import MethodType
from typing import Any

from casgi import _core
from casgi.channels.sharing.decisions import COMPARABLE, Comparison
from casgi.channels.sharing.facts import ABSENT
from casgi.channels.sharing.plan import SharedRun
from casgi.channels.sharing.proof import Attribute

logger = logging.getLogger("casgi.channels")

Message = dict[str, Any]
Dispatch = Callable[[Message], Awaitable[None]]

# As in csrc/channels/fan_out.c: who sends more gets the message as an event.
_MOST_FRAMES = 8


class _Run:
    """One run of a handler for one consumer: what has come out of the application by it."""

    def __init__(self) -> None:
        self.payloads: list[Any] = []
        self.was_refused = False
        """Whether the server has refused something, as when the client has left."""

    def note(self, message: Message) -> None:
        if message.get("type") == "websocket.send":
            text = message.get("text")
            self.payloads.append(message.get("bytes") if text is None else text)
        else:
            self.payloads.append(message)


# Of the handler that runs in a context; what tasks beside it send is not its own.
_current: ContextVar[_Run | None] = ContextVar("casgi_verified_run", default=None)


class _Observer:
    """The `send` of one WebSocket as the application gets it, which notes and passes on."""

    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        self._send = send

    async def send(self, message: Message) -> None:
        run = _current.get()
        if run is None:
            await self._send(message)
            return
        run.note(message)
        try:
            await self._send(message)
        except Exception:
            run.was_refused = True
            raise


def observed(application: Any) -> Any:
    """Return an application whose WebSockets can be verified."""

    async def observed_application(scope: Any, receive: Any, send: Any) -> None:
        is_websocket = scope["type"] == "websocket"
        await application(scope, receive, _Observer(send).send if is_websocket else send)

    return observed_application


def is_observed(send: object) -> bool:
    """Whether this is what an observed application was given as its WebSocket's `send`."""
    return type(send) is MethodType and send.__func__ is _Observer.send


def verifying_dispatch(consumer: Any, dispatch: Dispatch, plan: Any, context: Context) -> Dispatch:
    """Return a dispatch that compares, for one consumer that would get shared frames.

    The shared run is that of somebody else, so it must not find the consumer's language or other
    context variables: it has those of `context`.
    """

    async def compare(message: Message) -> None:
        plain = _core.copy_plain(message)
        shared = None if plain is None else context.copy().run(plan.run, plain)
        if shared is None or not _is_as_its_class(consumer, shared.attributes):
            await dispatch(message)
            return
        expected = _payloads_for(consumer, shared)
        if expected is not None and _are_frames(expected):
            await _compare(consumer, dispatch, message, expected)
        else:
            await dispatch(message)

    return compare


async def _compare(
    consumer: Any, dispatch: Dispatch, message: Message, expected: list[Any]
) -> None:
    described = str(message.get("type"))  # the handler may change the message
    run = _Run()
    token = _current.set(run)
    try:
        await dispatch(message)
    except Exception as error:
        if not run.was_refused:
            _report(consumer, described, expected, [*run.payloads, error])
        raise
    finally:
        _current.reset(token)
    if run.payloads != expected and not run.was_refused:
        _report(consumer, described, expected, run.payloads)


def _are_frames(payloads: list[Any]) -> bool:
    """Whether frames can be made of them: no text with half of a surrogate pair, not too many."""
    try:
        for payload in payloads:
            if isinstance(payload, str):
                payload.encode()
    except UnicodeEncodeError:
        return False
    return len(payloads) <= _MOST_FRAMES


def _is_as_its_class(consumer: Any, attributes: tuple[Attribute, ...]) -> bool:
    """Whether no attribute of the instance hides a method: else it would get no shared frame."""
    return all(_has(consumer, each) for each in attributes)


def _has(consumer: Any, expected: Attribute) -> bool:
    value = getattr(consumer, expected.name, None)
    if not expected.is_method:
        return value is expected.value
    return (
        isinstance(value, MethodType)
        and value.__func__ is expected.value
        and (value.__self__ is consumer or value.__self__ is type(consumer))
    )


def _payloads_for(consumer: Any, shared: SharedRun) -> list[Any] | None:
    """Return what a consumer gets of a shared run, None when it handles the event itself."""
    for outcome in shared.outcomes:
        if all(_is_so(consumer, each) for each in outcome.comparisons):
            return list(outcome.payloads)
    return None


def _is_so(consumer: Any, comparison: Comparison) -> bool:
    value = getattr(consumer, comparison.attribute, ABSENT)
    return type(value) in COMPARABLE and (value == comparison.value) is comparison.is_equal


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
