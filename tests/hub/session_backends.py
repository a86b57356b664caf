"""What is told of the end of a session and of a user, by the session backend of the first argument.

Writes one line for each WebSocket that would be closed: what it is known by.
"""

import asyncio
import sys
from importlib import import_module
from typing import Any

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    INSTALLED_APPS=[
        "casgi",
        "channels",
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    SESSION_ENGINE=sys.argv[1],
    CASGI_DISCONNECT=True,
    USE_TZ=True,
)
django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402

from casgi.channels.identity.groups import session_group, user_group  # noqa: E402

call_command("migrate", verbosity=0)
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
