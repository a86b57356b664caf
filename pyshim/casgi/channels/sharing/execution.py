"""A handler runs once, for no consumer in particular: what it sends is kept, and goes nowhere.

The stand-in is an instance of the consumer's class on which `__init__` never ran: it has no scope,
no channel name, nothing of any user. All that it has is a `base_send` that records.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from casgi import _core
from casgi.channels.sharing.decisions import Comparison, Decisions, TooManyOutcomes, Unknown
from casgi.channels.sharing.proof import Proof

Payloads = tuple[str | bytes, ...]
# As in csrc/channels/fan_out.c: two comparisons.
MOST_OUTCOMES = 4


class NotRecorded(BaseException):
    """The handler did something else than sending text and bytes; the message says what."""


class Outcome(NamedTuple):
    """What members get for whom all of these comparisons are true."""

    comparisons: tuple[Comparison, ...]
    payloads: Payloads


def execute(proof: Proof, owner: type, message: dict[str, Any]) -> tuple[Outcome, ...]:
    """Return what the handler sends for the message, or raise NotRecorded.

    The handler may change the message: it must be a copy.
    """
    if not proof.compared:
        return (Outcome((), _sent(proof, owner, message, Decisions(()))),)
    outcomes: list[Outcome] = []
    asked: list[tuple[bool, ...]] = [()]
    while asked:
        if len(outcomes) == MOST_OUTCOMES:
            raise NotRecorded("compares too much with its consumer")
        copied = _core.copy_plain(message)
        assert copied is not None
        decisions = Decisions(asked.pop())
        payloads = _sent(proof, owner, copied, decisions)
        outcomes.append(Outcome(tuple(decisions.taken), payloads))
        asked += decisions.others()
    return tuple(outcomes)


def _sent(proof: Proof, owner: type, message: dict[str, Any], decisions: Decisions) -> Payloads:
    """Run the handler on a stand-in."""
    sent: list[str | bytes] = []
    consumer: Any = object.__new__(owner)
    base_send = _recorder(sent) if proof.is_sync else _async_recorder(sent)
    object.__setattr__(consumer, "base_send", base_send)
    object.__setattr__(consumer, "close", _close)
    for name in proof.compared:
        object.__setattr__(consumer, name, Unknown(name, decisions))
    try:
        result = proof.function(consumer, message)
        if not proof.is_sync:
            _finish(result)
    except (KeyboardInterrupt, SystemExit, NotRecorded):
        raise
    except TooManyOutcomes:
        raise NotRecorded("compares its consumer with more than texts and numbers") from None
    except BaseException as error:
        raise NotRecorded(f"raised {error!r}") from error
    return tuple(sent)


def _close(*args: object, **options: object) -> None:
    raise NotRecorded("closes")


def _finish(coroutine: Any) -> None:
    """Run a coroutine that must not wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise NotRecorded("waited for something")


def _recorder(sent: list[str | bytes]) -> Callable[[Any], None]:
    """Return a `base_send` that takes text and bytes and nothing else."""

    def record(message: Any) -> None:
        match message:
            case {"type": "websocket.send", "text": data} if type(data) is str:
                pass
            case {"type": "websocket.send", "bytes": data} if type(data) is bytes:
                pass
            case _:
                raise NotRecorded("sent something else than text or bytes")
        if len(message) != 2:
            raise NotRecorded("sent a message with other keys")
        sent.append(data)

    return record


def _async_recorder(sent: list[str | bytes]) -> Callable[[Any], Any]:
    record = _recorder(sent)

    async def record_async(message: Any) -> None:
        record(message)

    return record_async
