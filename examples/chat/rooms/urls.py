"""Addresses of the rooms."""

from django.urls import path

from rooms.views import LobbyView, RoomView

app_name = "rooms"
urlpatterns = [
    path("", LobbyView.as_view(), name="lobby"),
    path("<room_name:room>/", RoomView.as_view(), name="room"),
]
