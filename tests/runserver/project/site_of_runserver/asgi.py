from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.urls import path  # noqa: E402
from news.consumers import Echo, Failing, Lingering, Refusing  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter(
            [
                path("echo/", Echo.as_asgi()),
                path("failing/", Failing.as_asgi()),
                path("lingering/", Lingering.as_asgi()),
                path("refusing/", Refusing.as_asgi()),
            ]
        ),
    }
)
