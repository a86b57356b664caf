"""Wrappers around the objects that casgi relies on, which note each call, and a scenario for them.

The objects are those of the seam itself: what is added there is wrapped here without a word more.
"""

import contextlib
import functools
import inspect
import types
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from channels.layers import BaseChannelLayer

from casgi.channels import adoption, seam

Place = tuple[Any, str]
Journal = Counter[tuple[str, str]]

PARTS = {
    "dispatch": seam.DISPATCHING,
    "closing": seam.CLOSING,
    "sync dispatch": seam.SYNC_DISPATCHING,
    "sessions": seam.SESSIONS,
    "layer in memory": adoption.KNOWN[0].relied_on,
}


def title(place: Place) -> str:
    owner, name = place
    module = owner.__module__ if isinstance(owner, type) else ""
    return f"{module}.{owner.__qualname__}.{name}" if module else f"{owner.__name__}.{name}"


def places(*parts: str) -> dict[str, Place]:
    """Return the places of some parts, of all without any."""
    chosen = [PARTS[name] for name in parts or PARTS]
    return {title(place): place for part in chosen for place in part.places() if is_there(place)}


def is_there(place: Place) -> bool:
    return place[1] in vars(place[0])


def functions(*parts: str) -> dict[str, Place]:
    """Return those of them that can be called."""
    return {name: place for name, place in places(*parts).items() if function_at(place)}


def function_at(place: Place) -> types.FunctionType | None:
    raw = vars(place[0])[place[1]]
    raw = getattr(raw, "__func__", getattr(raw, "fget", getattr(raw, "func", raw)))
    return raw if isinstance(raw, types.FunctionType) else None


def is_plain(place: Place) -> bool:
    return isinstance(vars(place[0])[place[1]], types.FunctionType)


def noted(journal: Journal, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def note(*args: Any) -> None:
        journal[name, described([*args])] += 1

    @functools.wraps(function)
    async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
        note(*args, *kwargs.values())
        return await function(*args, **kwargs)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        note(*args, *kwargs.values())
        return function(*args, **kwargs)

    return async_wrapper if inspect.iscoroutinefunction(function) else wrapper


def described(arguments: list[Any]) -> str:
    """Return what is the same in each run: texts, numbers, types; channels have random names."""
    words = [
        f"{each}" if isinstance(each, int | float | None) else type(each).__name__
        for each in arguments
        if not isinstance(each, BaseChannelLayer)  # one of ours or of Channels'
        and not type(each).__module__.startswith("casgi")
    ]
    kinds = [each["type"] for each in arguments if type(each) is dict and "type" in each]
    return " ".join([*words, *kinds])


@contextlib.contextmanager
def wrapped(journal: Journal, name: str, place: Place) -> Iterator[None]:
    """Put a wrapper where an object is, as it stands there."""
    owner, attribute = place
    raw = vars(owner)[attribute]
    match raw:
        case classmethod() | staticmethod():
            instead: Any = type(raw)(noted(journal, name, raw.__func__))
        case property():
            instead = property(noted(journal, name, raw.fget), raw.fset)
        case types.FunctionType():
            instead = noted(journal, name, raw)
        case _:
            instead = type(raw)(noted(journal, name, raw.func))
    setattr(owner, attribute, instead)
    try:
        yield
    finally:
        setattr(owner, attribute, raw)


CALLS: dict[str, Callable[..., Any]] = {}


@contextlib.contextmanager
def with_other_code(journal: Journal, name: str, place: Place) -> Iterator[None]:
    """Assign the code of a wrapper to the function itself, whoever has it already."""
    function = function_at(place)
    assert function is not None
    code, closure = function.__code__, function.__closure__
    copy = types.FunctionType(code, function.__globals__, name, function.__defaults__, closure)
    copy.__kwdefaults__ = function.__kwdefaults__
    CALLS[name] = noted(journal, name, copy)
    kind = "async def" if code.co_flags & 0x80 else "def"
    wait = "await " if kind == "async def" else ""
    text = f"{kind} f(*args, **kwargs):\n    import {__name__} as here\n"
    text += f"    return {wait}here.CALLS[{name!r}](*args, **kwargs)\n"
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    function.__code__ = namespace["f"].__code__.replace(co_freevars=code.co_freevars)
    try:
        yield
    finally:
        function.__code__ = code
