"""The log line about a client that does not keep up with its groups.

It names the user as far as that is known without running any code of the project: neither is a lazy
user loaded, nor is its `__str__` called, each of which may ask the database.
"""

import inspect
import logging
from typing import Any

logger = logging.getLogger("casgi.server")

_DONE = {
    "closed": "closed with 1008",
    "dropped_oldest": "its oldest group messages are dropped",
    "dropped_newest": "new group messages are dropped",
}


def log_slow_consumer(
    scope: dict[str, Any], outcome: str, backlog: int, dropped: int, others: int
) -> None:
    """Write the line; for `_core.Server.on_slow_consumer`."""
    logger.warning(
        "Slow consumer %s (user %s): %s with %d bytes unsent, %d messages lost so far; "
        "%d other such events since the last line",
        _describe_path(scope),
        describe_user(scope.get("user")),
        _DONE[outcome],
        backlog,
        dropped,
        others,
    )


def describe_user(user: Any) -> str:
    """Return the name of a user that is known already, else what kind of thing it is."""
    if user is None:
        return "unknown"
    attributes = _attributes_of(user)
    if "_wrapped" in attributes:  # a lazy object of Django
        wrapped = attributes["_wrapped"]
        if type(wrapped) is object:  # Django's mark for "empty"
            return "not loaded"
        user, attributes = wrapped, _attributes_of(wrapped)
    field = inspect.getattr_static(type(user), "USERNAME_FIELD", "username")
    name = attributes.get(field) if type(field) is str else None
    if type(user) is str:
        name = user
    return _escape(name if type(name) is str and name else type(user).__name__)


def _attributes_of(thing: Any) -> dict[str, Any]:
    try:
        attributes = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return {}
    return attributes if type(attributes) is dict else {}


def _describe_path(scope: dict[str, Any]) -> str:
    path = scope.get("path")
    return _escape(path) if type(path) is str else "(path unknown)"


def _escape(text: str) -> str:
    """Return the text without what could end the line, as the access log writes it."""
    return "".join(
        character if character.isprintable() and character not in '"\\' else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
