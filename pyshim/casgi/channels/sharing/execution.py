"""A handler runs once, for no consumer in particular: what it sends is kept, and goes nowhere.

The stand-in is an instance of the consumer's class on which `__init__` never ran: it has no scope,
no channel name, nothing of any user. All that it has is a `base_send` that records.
"""

from typing import Any, NamedTuple, NoReturn

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
        return (Outcome((), _sent(proof, owner, message, None)),)
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


class _Record:
    """What a handler sends on the stand-in, in the place of its connection.

    Attributes:
        sent: texts and bytes.
        refused: what else it did; a declared handler may have caught what was raised for that.

    """

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.refused: NotRecorded | None = None

    def send(self, message: Any) -> None:
        """Keep the text or bytes of a message; it is the `base_send` of a sync consumer."""
        if type(message) is not dict or message.get("type") != "websocket.send":
            self._refuse("sent something else than text or bytes")
        data = message.get("text")
        if type(data) is not str:
            data = message.get("bytes")
            if type(data) is not bytes:
                self._refuse("sent something else than text or bytes")
        if len(message) != 2:
            self._refuse("sent a message with other keys")
        self.sent.append(data)

    async def send_async(self, message: Any) -> None:
        """As send(), for an async consumer."""
        self.send(message)

    def close(self, *args: object, **options: object) -> None:
        """Refuse to close."""
        self._refuse("closes")

    def _refuse(self, reason: str) -> NoReturn:
        self.refused = NotRecorded(reason)
        raise self.refused


def _sent(
    proof: Proof, owner: type, message: dict[str, Any], decisions: Decisions | None
) -> Payloads:
    """Run the handler on a stand-in."""
    record = _Record()
    consumer: Any = object.__new__(owner)
    base_send = record.send if proof.is_sync else record.send_async
    object.__setattr__(consumer, "base_send", base_send)
    object.__setattr__(consumer, "close", record.close)
    if decisions is not None:
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
    if record.refused is not None:
        raise record.refused
    return tuple(record.sent)


def _finish(coroutine: Any) -> None:
    """Run a coroutine that must not wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise NotRecorded("waited for something")
