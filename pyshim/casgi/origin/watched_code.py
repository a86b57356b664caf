"""Code of somebody else's that is relied on while it is what was read, and never again after that.

Who has changed it once may do so again, between one look and the next. What casgi itself puts
there, and takes away, is no change.
"""

from collections.abc import Callable

from casgi.origin.change import forget_texts
from casgi.origin.watch import Fact, Watch


class WatchedCode:
    """The functions of some modules: read when first asked for, and watched from then on."""

    __slots__ = ("_look", "_reason", "_watch")

    def __init__(self, look: Callable[[], Watch | str]) -> None:
        """Take what reads all of it: it returns what was found, or what is not as it should be."""
        self._look = look
        self._watch: Watch | None = None
        self._reason: str | None = None

    def facts(self) -> tuple[Fact, ...]:
        """Return what was found when `change` has returned None."""
        return () if self._watch is None else self._watch.facts

    def change(self) -> str | None:
        """Return what is not as it was read, or ever was not, as for a log line; or None.

        Once it has been read, this calls nothing of the application's.
        """
        if self._reason is None:
            if self._watch is None:
                self._read()
            elif not self._watch.holds():
                self._renew(self._watch)
        return self._reason

    def _read(self) -> None:
        found = self._look()
        forget_texts()
        if isinstance(found, str):
            self._reason = found
        else:
            self._watch = found

    def _renew(self, watch: Watch) -> None:
        change = watch.change()
        renewed = watch.renewed()
        if renewed is not None:
            self._watch = renewed
        else:
            self._reason = change or "it was changed for a moment"
