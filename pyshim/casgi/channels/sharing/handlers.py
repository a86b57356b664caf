"""The handlers of all consumers that are loaded, and which are shared: for `casgi_handlers`."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType

from channels.consumer import AsyncConsumer

from casgi.channels.sharing import Verdict, examine
from casgi.channels.sharing.consumer_class import RESERVED

NOT_OF_THE_PROJECT = frozenset({"channels", "casgi"})


@dataclass(frozen=True)
class HandlerReport:
    """One handler of one consumer class, and the verdict on it."""

    consumer: str
    handler: str
    verdict: Verdict


def consumer_classes() -> list[type]:
    """Return the consumer classes that are loaded, without those of Channels, by name."""
    found = {
        owner
        for owner in _subclasses(AsyncConsumer)
        if owner.__module__.partition(".")[0] not in NOT_OF_THE_PROJECT
    }
    return sorted(found, key=_name)


def reports(classes: list[type]) -> Iterator[HandlerReport]:
    """Yield each handler that a message of a group can reach."""
    for consumer_class in classes:
        for handler in _handlers(consumer_class):
            yield HandlerReport(_name(consumer_class), handler, examine(consumer_class, handler))


def _name(owner: type) -> str:
    return f"{owner.__module__}.{owner.__qualname__}"


def _subclasses(owner: type) -> Iterator[type]:
    subclasses: list[type] = type.__subclasses__(owner)
    for subclass in subclasses:
        yield subclass
        yield from _subclasses(subclass)


def _handlers(consumer_class: type) -> list[str]:
    """Return the names of methods that take an event, in the order of their definition."""
    names: dict[str, object] = {}
    for owner in reversed(consumer_class.__mro__):
        if owner.__module__.partition(".")[0] not in NOT_OF_THE_PROJECT:
            names.update(vars(owner))
    return [
        name
        for name, raw in names.items()
        if not name.startswith("_") and name not in RESERVED and _takes_event(raw)
    ]


def _takes_event(raw: object) -> bool:
    """Whether what stands in a class can be called with an event."""
    if isinstance(raw, staticmethod | classmethod):
        return _takes(raw.__func__, 1 if isinstance(raw, staticmethod) else 2)
    if isinstance(raw, type) or not callable(raw):
        return False
    return not isinstance(raw, FunctionType) or _takes(raw, 2)


def _takes(function: object, count: int) -> bool:
    """Whether a function can be called with so many positional arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
