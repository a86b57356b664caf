"""The application: Django and Channels side by side, as the documentation of Channels does it."""

import os
import sys

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_tests.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from site_of_tests import consumers, events, rooms  # noqa: E402

if "daphne.ws_protocol" in sys.modules:
    # It waits a second for a client's close frame: a machine may hold up the client for longer.
    sys.modules["daphne.ws_protocol"].WebSocketProtocol.closeHandshakeTimeout = 30

http_routes = [
    path("consumer/events/", events.Events.as_asgi()),
    path("consumer/listening/", events.Listening.as_asgi()),
    path("consumer/stubborn/", events.Stubborn.as_asgi()),
    path("consumer/sleeping/", events.Sleeping.as_asgi()),
    path("consumer/scope/", events.Scope.as_asgi()),
    path("consumer/scope/<path:rest>", events.Scope.as_asgi()),
    path("consumer/echo/", events.Echo.as_asgi()),
    path("consumer/talkative/", events.Talkative.as_asgi()),
    path("consumer/silent/", events.Silent.as_asgi()),
    path("consumer/broken/", events.Broken.as_asgi()),
    re_path("", django_application),
]
websocket_routes = [
    path("ws/echo/", consumers.Echo.as_asgi()),
    path("ws/sync-echo/", consumers.SyncEcho.as_asgi()),
    path("ws/json/", consumers.Json.as_asgi()),
    path("ws/sync-json/", consumers.SyncJson.as_asgi()),
    path("ws/commanded/", consumers.Commanded.as_asgi()),
    path("ws/late/", consumers.LateSender.as_asgi()),
    path("ws/sync-late/", consumers.SyncLateSender.as_asgi()),
    path("ws/connecting/<what>/", consumers.Connecting.as_asgi()),
    path("ws/scope/", consumers.Scope.as_asgi()),
    path("ws/scope/<path:rest>", consumers.Scope.as_asgi()),
    path("ws/visitor/", consumers.Visitor.as_asgi()),
    path("ws/database/", consumers.Database.as_asgi()),
    path("ws/sync-database/", consumers.SyncDatabase.as_asgi()),
    path("ws/room/<name>/", rooms.Room.as_asgi()),
    path("ws/sync-room/<name>/", rooms.SyncRoom.as_asgi()),
    path("ws/lobby/", rooms.Lobby.as_asgi()),
]

application = ProtocolTypeRouter(
    {
        "http": URLRouter(http_routes),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_routes))),
    }
)
