"""A project with users, sessions and transactions, whose WebSockets say whose they are."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings

FOLDER, REDIS = os.environ["MEMBERS_FOLDER"], os.environ.get("MEMBERS_REDIS")
if not settings.configured:
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="members_site",
        INSTALLED_APPS=[
            "casgi",
            "channels",
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{FOLDER}/database",
                "OPTIONS": {"timeout": 20},
            }
        },
        CHANNEL_LAYERS={
            "default": {
                "BACKEND": os.environ["MEMBERS_LAYER"],
                "CONFIG": {"hosts": [REDIS]} if REDIS else {},
            }
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CASGI_DISCONNECT={"code": 4999},
        USE_TZ=True,
    )
    django.setup()

from asgiref.sync import sync_to_async  # noqa: E402
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.contrib.auth import authenticate, login, logout  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import transaction  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from casgi.channels import disconnect, identify, on_commit, publish  # noqa: E402


class Member(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Says who it is, and hears the news."""

    groups = ["news"]

    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data=self.scope["user"].username or "nobody")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data == "commit":
            await on_commit("news", {"type": "news", "text": "from async code"})
        else:
            await identify(self.scope, user=int(text_data or "0"))
            await self.send(text_data="identified")

    async def news(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class SyncMember(WebsocketConsumer):  # type: ignore[misc]
    """The same in sync code."""

    def connect(self) -> None:
        self.accept()
        self.send(text_data=self.scope["user"].username or "nobody")


def enter(request: Any) -> HttpResponse:
    """Log in, or only have a session."""
    name = request.GET.get("name")
    if name is None:
        request.session["visits"] = 1
        return HttpResponse("visited")
    login(request, authenticate(request, username=name, password="secret"))
    if "age" in request.GET:
        request.session.set_expiry(int(request.GET["age"]))
    return HttpResponse(request.session.session_key)


def leave(request: Any) -> HttpResponse:
    """Log out, in a transaction that may roll back."""
    try:
        with transaction.atomic():
            logout(request)
            if "rollback" in request.GET:
                raise ValueError
    except ValueError:
        pass
    return HttpResponse("left")


def change(request: Any) -> HttpResponse:
    """Change a user's password or activity."""
    user = User.objects.get(username=request.GET["name"])
    if "password" in request.GET:
        user.set_password("secret")
    else:
        user.is_active = False
    user.save()
    return HttpResponse("changed")


def post(request: Any) -> HttpResponse:
    """Send two messages on commit, one in a part that rolls back, and one at once."""
    with transaction.atomic():
        on_commit("news", {"type": "news", "text": "committed"})
        try:
            with transaction.atomic():
                on_commit("news", {"type": "news", "text": "rolled back"})
                raise ValueError
        except ValueError:
            publish("news", {"type": "news", "text": "at once"})
        on_commit("news", {"type": "news", "text": "committed too"})
    return HttpResponse("posted")


async def post_from_async_code(request: Any) -> HttpResponse:
    """Do the same around a transaction that async code has opened."""
    atomic = transaction.atomic()
    await sync_to_async(atomic.__enter__)()
    await on_commit("news", {"type": "news", "text": "committed"})
    await publish("news", {"type": "news", "text": "at once"})
    await sync_to_async(atomic.__exit__)(None, None, None)
    return HttpResponse("posted")


def throw_out(request: Any) -> HttpResponse:
    """Close by user, with a code of its own."""
    disconnect(user=int(request.GET["user"]), code=4000, reason="out")
    return HttpResponse("done")


urlpatterns = [
    path("enter", enter),
    path("leave", leave),
    path("change", change),
    path("post", post),
    path("apost", post_from_async_code),
    path("throw-out", throw_out),
]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AuthMiddlewareStack(
            URLRouter([path("member", Member.as_asgi()), path("sync", SyncMember.as_asgi())])
        ),
    }
)
