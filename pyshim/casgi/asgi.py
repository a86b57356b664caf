"""Names for the types of the ASGI interface, and what an application may return."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]

Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""ASGI 3: one callable."""

DoubleCallable: TypeAlias = Callable[[Scope], Callable[[Receive, Send], Awaitable[None]]]
"""ASGI 2: a callable that takes the scope and returns one that takes receive and send."""


def as_coroutine(returned: Any) -> Coroutine[Any, Any, Any]:
    """Return a coroutine that awaits what an application has returned, itself if it is one.

    Frameworks' endpoints are classes whose objects are awaited; middleware may return a future.
    Raises TypeError when it cannot be awaited.
    """
    if asyncio.iscoroutine(returned):
        return returned
    if not inspect.isawaitable(returned):
        raise TypeError(
            "an ASGI application has to return what can be awaited, as an async function does,"
            f" not {type(returned).__name__}"
        )
    return _wait_for(returned)


async def _wait_for(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
