"""Pages of the rooms."""

from typing import Any

from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import TemplateView

from project.messages import NAME_LENGTH, TEXT_LENGTH
from rooms.models import RoomMessage
from rooms.names import ROOM_LENGTH, room_name

LISTED_ROOMS = 12
SUGGESTED_ROOM = "lobby"


class LobbyView(TemplateView):
    """Asks for a name and a room, and lists the rooms in use."""

    template_name = "rooms/lobby.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Lead to the room that the form asks for, if that is one."""
        asked = request.GET.get("room")
        if asked is None:
            return super().get(request, **kwargs)
        if room := room_name(asked):
            return redirect("rooms:room", room)
        return super().get(request, error="Use at least one letter or digit.", asked=asked)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the rooms that were written in last."""
        rooms = RoomMessage.objects.values("room").annotate(last=Max("id"), messages=Count("id"))
        return super().get_context_data(
            rooms=rooms.order_by("-last")[:LISTED_ROOMS],
            suggested_room=SUGGESTED_ROOM,
            name_length=NAME_LENGTH,
            room_length=ROOM_LENGTH,
            **kwargs,
        )


class RoomView(TemplateView):
    """One room; its messages come over the WebSocket."""

    template_name = "rooms/room.html"
    extra_context = {"text_length": TEXT_LENGTH}
