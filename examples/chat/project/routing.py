"""The WebSocket addresses."""

from django.urls import path, re_path

from direct.consumers import DirectConsumer
from live.consumers import LiveConsumer
from project.consumers import UnknownAddressConsumer
from rooms.consumers import RoomConsumer

websocket_urlpatterns = [
    path("ws/rooms/<room_name:room>/", RoomConsumer.as_asgi()),
    path("ws/direct/", DirectConsumer.as_asgi()),
    path("ws/live/", LiveConsumer.as_asgi()),
    re_path("", UnknownAddressConsumer.as_asgi()),
]
