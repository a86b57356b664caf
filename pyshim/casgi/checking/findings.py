"""What a check has found."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

_LONGEST = 200

Level: TypeAlias = Literal["ok", "hint", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        level: an error keeps the server from serving; a warning will be met in production.
        subject: what was looked at.
        text: what is so, in plain words.
        remedy: what to do about it.

    """

    level: Level
    subject: str
    text: str
    remedy: str | None = None


def plain(error: BaseException) -> str:
    """Return an exception in one line: its text, and its type where the text alone says little."""
    lines = str(error).splitlines()
    text = lines[0] if lines else ""
    if len(text) > _LONGEST:  # as with the representation of a pool of connections
        text = text[:_LONGEST] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
