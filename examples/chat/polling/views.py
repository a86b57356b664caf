"""The rooms by Ajax: the client asks again and again whether there is something new."""

import json
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from polling.serializers import (
    AfterSerializer,
    MessageSerializer,
    NewMessageSerializer,
    PollSerializer,
)
from project.messages import TEXT_LENGTH, InvalidMessage, clean_text
from rooms.models import RoomMessage, author_fields
from rooms.names import group_name


class RoomMessagesView(APIView):
    """Messages of a room: the same that its WebSockets carry."""

    @extend_schema(parameters=[AfterSerializer], responses=PollSerializer)
    def get(self, request: Request, room: str) -> Response:
        """Return the messages that are newer than the last one the client has."""
        after = AfterSerializer(data=request.query_params)
        after.is_valid(raise_exception=True)
        newest = RoomMessage.objects.newest(room, after.validated_data["after"])
        messages = [message.as_dict() for message in newest]
        return Response({"now": round(time.time() * 1000), "messages": messages[::-1]})

    @extend_schema(request=NewMessageSerializer, responses={201: MessageSerializer})
    def post(self, request: Request, room: str) -> Response:
        """Keep a message, and give it to the room's WebSockets as well."""
        fields = NewMessageSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        try:
            text = clean_text(fields.validated_data["text"])
            author = author_fields(request.user, fields.validated_data["name"])
        except InvalidMessage as error:
            return Response({"detail": str(error)}, status.HTTP_400_BAD_REQUEST)
        message = RoomMessage.objects.create(room=room, text=text, **author).as_dict()
        event = {"type": "room.message", "text": json.dumps(message)}
        async_to_sync(get_channel_layer().group_send)(group_name(room), event)
        return Response(message, status.HTTP_201_CREATED)


class CompareView(TemplateView):
    """One room twice on a page, by WebSocket and by polling, with what each costs."""

    template_name = "polling/compare.html"
    extra_context = {"text_length": TEXT_LENGTH}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Fall back to a room of its own."""
        return super().get_context_data(**{"room": "compare", **kwargs})
