"""The application as Channels 2 has it made, in the double-callable form of ASGI 2."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat.settings")
django.setup()

from channels.routing import get_default_application  # noqa: E402

from chat import remedies  # noqa: E402, F401

application = get_default_application()
