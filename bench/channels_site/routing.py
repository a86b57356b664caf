"""The WebSocket routes."""

from django.urls import re_path

from bench.channels_site import consumers

websocket_urlpatterns = [
    re_path(r"ws/chat/(?P<room_name>\w+)/$", consumers.ChatConsumer.as_asgi()),
    re_path(r"ws/signed/(?P<room_name>\w+)/$", consumers.SignedChatConsumer.as_asgi()),
    re_path(r"ws/echo/$", consumers.EchoConsumer.as_asgi()),
    re_path(r"ws/sync-echo/$", consumers.SyncEchoConsumer.as_asgi()),
]
