"""Middleware with async code of its own, as the parts before and after what is behind it.

The code of some packages does the same in any thread. Where it is what was read, its middleware is
run by its parts, as a MiddlewareMixin is; each package has a module here that knows its text.
"""

from collections.abc import Sequence
from typing import Any

from casgi.channels.sharing.facts import Fact


class MiddlewareParts:
    """One such middleware in async mode, with its two parts by MiddlewareMixin's names.

    Attributes:
        instance: the middleware that Django has built.
        names: what was looked at of it, if it is no function.
        facts: what else has to be as it was when this was made.
        copies: lists and the like, each with what was in it.

    """

    __slots__ = ("copies", "facts", "instance", "names")

    def __init__(
        self,
        instance: Any,
        facts: Sequence[Fact],
        names: Sequence[str] = (),
        copies: Sequence[tuple[Any, Any]] = (),
    ) -> None:
        self.instance = instance
        self.names = names
        self.facts = facts
        self.copies = copies

    @property
    def get_response(self) -> Any:
        """What is behind it."""
        raise NotImplementedError

    def process_request(self, request: Any) -> Any:
        """Do what is before it; return a response, or None to go on."""
        raise NotImplementedError

    def process_response(self, request: Any, response: Any) -> Any:
        """Do what is after it, and return the response."""
        raise NotImplementedError
