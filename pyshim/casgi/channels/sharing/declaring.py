"""`@shared`: the author's word that a handler may run once, where the proof cannot see it."""

import ast
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.source import check_parameters, definition_of, words

Handler = TypeVar("Handler", bound=Callable[..., Any])
MARK = "_casgi_shared"
WAITING = (ast.AsyncFor, ast.AsyncWith)


def shared(handler: Handler) -> Handler:
    """Declare that a handler depends on its event only, so that it may run once for a whole group.

    It runs once on the event loop's thread, on a stand-in of its class without scope, channel name
    or other attributes, and what it sends goes to all members. So it must not block, must not await
    anything but `self.send` and `self.send_json`, and must not depend on whom it runs for: neither
    on `self`, nor on the user, language or time zone that code it calls takes from its context.

    The function itself is returned, marked. Where casgi does not serve, nothing changes.

    Raises:
        TypeError: it cannot be shared, and why.

    """
    if not isinstance(handler, FunctionType):
        raise TypeError("@shared is for a plain method, below all other decorators.")
    try:
        check_parameters(handler)
        _check_waiting(handler)
    except Rejected as rejected:
        raise TypeError(
            f"{handler.__qualname__} cannot be shared: it {rejected.reason}, in line"
            f" {rejected.line or handler.__code__.co_firstlineno}. Put what it waits for or depends"
            " on into the event before that is sent to the group, or leave @shared out."
        ) from None
    # The code itself: a wrapper that copies the attributes of what it wraps is not marked by it.
    setattr(handler, MARK, handler.__code__)
    return handler


def is_declared(function: FunctionType) -> bool:
    """Whether this very function was declared shared."""
    return vars(function).get(MARK) is function.__code__


def _check_waiting(handler: FunctionType) -> None:
    """Raise Rejected if the handler's source awaits anything but its own sending.

    Where there is no source to read, running tells: a handler that waits is not shared.
    """
    try:
        node = definition_of(handler)
    except Rejected:
        return
    receiver = [*node.args.posonlyargs, *node.args.args][0].arg
    for part in ast.walk(node):
        if isinstance(part, ast.Await) and not _is_sending(part.value, receiver):
            raise Rejected(f"awaits {words(part.value)}", part.lineno)
        if isinstance(part, WAITING):
            raise Rejected(f"has the statement {words(part)}", part.lineno)
        if isinstance(part, ast.comprehension) and part.is_async:
            raise Rejected(f"awaits {words(part.iter)}", part.iter.lineno)


def _is_sending(node: ast.expr, receiver: str) -> bool:
    """Whether this is self.send(...) or self.send_json(...)."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="send" | "send_json")):
            return name == receiver
    return False
