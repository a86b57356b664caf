"""Messages of the chat rooms."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models

from project.messages import NAME_LENGTH, TEXT_LENGTH, clean_text
from rooms.names import ROOM_LENGTH

HISTORY_LENGTH = 50


class RoomMessageQuerySet(models.QuerySet["RoomMessage"]):
    """Queries on messages of rooms."""

    def newest(self, room: str, after: int = 0) -> RoomMessageQuerySet:
        """Return a room's last messages behind the id `after`, the newest first."""
        return self.filter(room=room, id__gt=after).order_by("-id")[:HISTORY_LENGTH]


class RoomMessage(models.Model):
    """One message, kept so that late comers and polling readers can have it."""

    room = models.CharField(max_length=ROOM_LENGTH)
    author = models.CharField(max_length=NAME_LENGTH)
    guest = models.BooleanField()
    text = models.CharField(max_length=TEXT_LENGTH)
    created = models.DateTimeField(auto_now_add=True)

    objects = RoomMessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["room", "id"], name="room_message_order")]

    def as_dict(self) -> dict[str, Any]:
        """Return what clients get; the time is in milliseconds, as JavaScript counts."""
        return {
            "type": "message",
            "id": self.id,
            "author": self.author,
            "guest": self.guest,
            "text": self.text,
            "created": round(self.created.timestamp() * 1000),
        }


def author_fields(user: AbstractBaseUser | AnonymousUser, name: object) -> dict[str, Any]:
    """Return who writes: the account of a logged-in user, else a guest by the name it asks for."""
    if user.is_authenticated:
        return {"author": user.get_username()[:NAME_LENGTH], "guest": False}
    return {"author": clean_text(name, NAME_LENGTH), "guest": True}
