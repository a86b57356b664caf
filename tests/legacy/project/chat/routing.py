"""Routing in the manner of Channels 2: classes of consumers, called with the scope."""

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf.urls import url

from chat.consumers import AsyncChat, Chat

application = ProtocolTypeRouter(
    {
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter(
                    [
                        url(r"^ws/sync/(?P<room>\w+)/$", Chat),
                        url(r"^ws/async/(?P<room>\w+)/$", AsyncChat),
                    ]
                )
            )
        )
    }
)
