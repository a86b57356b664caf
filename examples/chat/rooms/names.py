"""Names of rooms: short, lower case, and valid inside a group's name."""


class RoomNameConverter:
    """The part of an address that names a room."""

    regex = "[a-z0-9-]{1,40}"

    def to_python(self, value: str) -> str:
        """Use the name as it stands."""
        return value

    def to_url(self, value: str) -> str:
        """Use the name as it stands."""
        return value


def group_name(room: str) -> str:
    """Return the group that every WebSocket of a room belongs to."""
    return f"room.{room}"
