"""The rooms application."""

from django.apps import AppConfig
from django.urls import register_converter


class RoomsConfig(AppConfig):
    """Registers the path converter that pages, API and WebSockets share."""

    name = "rooms"

    def ready(self) -> None:
        """Make `<room_name:room>` known to `path()`."""
        from rooms.names import RoomNameConverter

        register_converter(RoomNameConverter, "room_name")
