"""Addresses of the comparison and of the polling API."""

from django.urls import path

from polling.views import CompareView, RoomMessagesView

urlpatterns = [
    path("compare/", CompareView.as_view(), name="compare"),
    path("compare/<room_name:room>/", CompareView.as_view(), name="compare-room"),
    path("api/rooms/<room_name:room>/messages/", RoomMessagesView.as_view(), name="room-messages"),
]
