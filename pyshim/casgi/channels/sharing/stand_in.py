"""A handler runs once, for no consumer in particular: what it sends is kept, and goes nowhere.

The stand-in is an instance of the consumer's class on which `__init__` never ran: it has no scope,
no channel name, nothing of any user. All that it has is a `base_send` that records.
"""

from collections.abc import Callable
from typing import Any

Payloads = tuple[str | bytes, ...]


class NotRecorded(Exception):
    """The handler did something else than sending text and bytes; the message says what."""


def run(function: Callable[..., Any], consumer_class: type, message: dict[str, Any]) -> Payloads:
    """Return what the handler sends for the message, or raise NotRecorded.

    The handler may change the message: it must be a copy.
    """
    sent: list[str | bytes] = []
    consumer: Any = object.__new__(consumer_class)
    is_sync = consumer_class._sync  # type: ignore[attr-defined]
    vars(consumer)["base_send"] = _recorder(sent) if is_sync else _async_recorder(sent)
    try:
        result = function(consumer, message)
        if not is_sync:
            _finish(result)
    except (KeyboardInterrupt, SystemExit):
        raise
    except NotRecorded:
        raise
    except BaseException as error:
        raise NotRecorded(f"raised {error!r}") from error
    return tuple(sent)


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
