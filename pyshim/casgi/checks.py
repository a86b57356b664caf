"""Checks of INSTALLED_APPS: whose `runserver` command is the one that runs."""

import importlib.util
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning

_HAVE_RUNSERVER = {"django.contrib.staticfiles", "daphne"}


def check_order_of_apps(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Report each app with a `runserver` of its own that Django finds before casgi's."""
    before: list[CheckMessage] = []
    for config in apps.get_app_configs():
        if config.name == "casgi":
            break
        if config.name in _HAVE_RUNSERVER or _is_channels_with_runserver(config.name):
            before.append(_message(config))
    return before


def _is_channels_with_runserver(name: str) -> bool:
    """Whether it is Channels before version 4, which has a runserver of its own."""
    command = "channels.management.commands.runserver"
    return name == "channels" and importlib.util.find_spec(command) is not None


def _message(config: AppConfig) -> CheckMessage:
    if config.name == "daphne":
        return Warning(
            "daphne is listed before casgi in INSTALLED_APPS: runserver is daphne's.",
            hint='Put "casgi" in its place.',
            id="casgi.W001",
        )
    if config.name == "channels":
        return Warning(
            "channels is listed before casgi in INSTALLED_APPS: runserver is that of Channels 3,"
            " on daphne.",
            hint='Put "casgi" before "channels".',
            id="casgi.W002",
        )
    return Error(
        f"casgi must be listed before {config.name} in INSTALLED_APPS.",
        hint="Otherwise runserver serves WSGI, and no WebSocket.",
        id="casgi.E001",
    )
