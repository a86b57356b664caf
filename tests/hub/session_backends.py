"""What is told of the end of a session and of a user, by the session backend of the first argument.

Writes one line for each WebSocket that would be closed: what it is known by.
"""

import asyncio
import sys
from importlib import import_module
from typing import Any, ClassVar

import django
from django.conf import settings


class Router:
    """Reads from a replica, once there is one, which has heard of nothing yet."""

    replicas: ClassVar[list[str]] = []

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the database to read from."""
        return self.replicas[0] if self.replicas else None


IN_MEMORY = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(
    SECRET_KEY="only for tests",
    INSTALLED_APPS=[
        "casgi",
        "channels",
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
    ],
    DATABASES={"default": IN_MEMORY, "replica": IN_MEMORY.copy()},
    DATABASE_ROUTERS=[Router()],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    SESSION_ENGINE=sys.argv[1],
    CASGI_DISCONNECT=True,
    USE_TZ=True,
)
django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402

from casgi.channels.identity.groups import session_group, user_group  # noqa: E402
from casgi.channels.identity.identity import _as_stored  # noqa: E402

call_command("migrate", verbosity=0)
call_command("migrate", database="replica", verbosity=0)
layer = get_channel_layer()
group_add = async_to_sync(layer.group_add)


@async_to_sync  # type: ignore[untyped-decorator]
async def receive(channel: str) -> Any:
    """Return what has been sent to a channel, before this was called."""
    return await asyncio.wait_for(layer.receive(channel), 1.0)


session = import_module(settings.SESSION_ENGINE).SessionStore()
session["visits"] = 1
session.save()
group_add(session_group(session), "session")
session.flush()
print(receive("session")["type"])

user = User.objects.create(username="ann")
group_add(user_group(user), "user")
user.delete()
print(receive("user")["type"])

empty = import_module(settings.SESSION_ENGINE).SessionStore()
empty.save()
key = empty.session_key
print("stored" if _as_stored(empty) else "ended")
empty.flush()
print("stored" if _as_stored(type(empty)(key)) else "ended")

fresh = import_module(settings.SESSION_ENGINE).SessionStore()
fresh.save()
if hasattr(fresh, "get_model_class"):
    caches["default"].clear()
Router.replicas.append("replica")
print("stored" if _as_stored(fresh) else "ended")
