"""Messages between two users."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from project.messages import TEXT_LENGTH

HISTORY_LENGTH = 50


class DirectMessageQuerySet(models.QuerySet["DirectMessage"]):
    """Queries on messages between users."""

    def between(self, one: Any, other: Any) -> DirectMessageQuerySet:
        """Return what two users wrote to each other; each is an id or an expression for one."""
        return self.filter(Q(sender=one, recipient=other) | Q(sender=other, recipient=one))

    def newest(self, after: int = 0) -> DirectMessageQuerySet:
        """Return the last messages behind the id `after`, the newest first."""
        messages = self.filter(id__gt=after).select_related("sender", "recipient")
        return messages.order_by("-id")[:HISTORY_LENGTH]


class DirectMessage(models.Model):
    """One message from one user to another."""

    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="sent_messages"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="received_messages"
    )
    text = models.CharField(max_length=TEXT_LENGTH)
    created = models.DateTimeField(auto_now_add=True)

    objects = DirectMessageQuerySet.as_manager()

    def as_dict(self) -> dict[str, Any]:
        """Return what the two clients get; the time is in milliseconds, as JavaScript counts."""
        return {
            "type": "message",
            "id": self.id,
            "author": self.sender.get_username(),
            "recipient": self.recipient.get_username(),
            "text": self.text,
            "created": round(self.created.timestamp() * 1000),
        }
