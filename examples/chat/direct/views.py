"""Pages of the one-to-one chat."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.views.generic import TemplateView

from direct.models import DirectMessage
from project.messages import TEXT_LENGTH

LISTED_PEOPLE = 100


class ConversationView(LoginRequiredMixin, TemplateView):
    """The list of people, and beside it one conversation when an address names the other person."""

    template_name = "direct/direct.html"

    def get_context_data(self, username: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Add the people, and the one to talk to."""
        users = User.objects.filter(is_active=True)
        other = get_object_or_404(users, username=username) if username else None
        return super().get_context_data(
            other=other,
            people=people_of(self.request.user),
            text_length=TEXT_LENGTH,
            **kwargs,
        )


def people_of(user: User | AnonymousUser) -> QuerySet[User]:
    """Return the other users, the latest conversation first, each with its `last_text`."""
    latest = DirectMessage.objects.between(user.pk, OuterRef("pk")).order_by("-id")
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    return others.annotate(
        last_id=Subquery(latest.values("id")[:1]), last_text=Subquery(latest.values("text")[:1])
    ).order_by(F("last_id").desc(nulls_last=True), "username")[:LISTED_PEOPLE]
