"""Names of rooms: lower case, in any script, and short."""

import hashlib
import unicodedata

ROOM_LENGTH = 40
# Letters, marks, numbers and pictures; the two joiners stand within words, and within pictures.
KEPT = ("L", "M", "N", "So", "Sk")
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


def room_name(text: str) -> str:
    """Return the name that a person's words for a room stand for; empty when nothing is left."""
    folded = unicodedata.normalize("NFKC", text).lower()
    folded = unicodedata.normalize("NFKC", folded)
    words = "".join(character if is_kept(character) else " " for character in folded).split()
    return "-".join(words)[:ROOM_LENGTH].strip("-")


def is_kept(character: str) -> bool:
    """Whether a character may stand in a name."""
    return character in JOINERS or unicodedata.category(character).startswith(KEPT)


class RoomNameConverter:
    """The part of an address that names a room."""

    regex = f"[^/]{{1,{ROOM_LENGTH}}}"

    def to_python(self, value: str) -> str:
        """Use the name as it stands; another spelling of one is no address."""
        if room_name(value) != value:
            raise ValueError(value)
        return value

    def to_url(self, value: str) -> str:
        """Use the name as it stands."""
        return value


def group_name(room: str) -> str:
    """Return the group that every WebSocket of a room belongs to: groups have ASCII names."""
    return f"room.{hashlib.sha256(room.encode()).hexdigest()}"
