"""Django without a project, for tests that run parts of it in their own process."""

from __future__ import annotations

import django
from django.conf import settings


def configure_django() -> None:
    """Have settings: the same for all tests, as a process has only one configuration."""
    if not settings.configured:
        settings.configure(
            CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
            SECRET_KEY="of the tests",
            INSTALLED_APPS=[
                "django.contrib.contenttypes",
                "django.contrib.auth",
                "django.contrib.sessions",
            ],
        )
        django.setup()
