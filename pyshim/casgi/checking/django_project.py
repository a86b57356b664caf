"""What Django's settings say that a server has to do with."""

import os
import sys
from collections.abc import Iterator

from casgi.checking.findings import Finding


def settings_are_there() -> bool:
    """Whether the application that was imported has set Django up."""
    if "django.conf" not in sys.modules:
        return False
    from django.conf import settings

    return bool(settings.configured)


def check_django() -> Iterator[Finding]:
    """Look at the settings, when the application that was imported is Django's."""
    if not settings_are_there():
        return
    from django.conf import settings

    yield from _check_hosts(settings.DEBUG, settings.ALLOWED_HOSTS)
    yield from _check_apps()


def _check_hosts(debug: bool, hosts: list[str]) -> Iterator[Finding]:
    if debug:
        text = "DEBUG is on: everybody who meets an error is shown the code and settings around it"
        yield Finding("warning", "settings", text, "DEBUG = False in production")
    elif not hosts:
        text = "ALLOWED_HOSTS is empty: with DEBUG off every request is answered with 400"
        remedy = 'name the site\'s hosts: ALLOWED_HOSTS = ["example.org"]'
        yield Finding("error", "settings", text, remedy)
    elif "*" in hosts:
        text = 'ALLOWED_HOSTS has "*": whatever host a client writes is believed'
        yield Finding("hint", "settings", text, "name the site's hosts")
    else:
        yield Finding("ok", "settings", f"ALLOWED_HOSTS: {', '.join(hosts)}")


def _check_apps() -> Iterator[Finding]:
    from django.apps import apps

    if not apps.ready:
        return
    if not apps.is_installed("casgi"):
        yield Finding(
            "hint",
            "INSTALLED_APPS",
            '"casgi" is not listed: `manage.py runserver` is not casgi\'s, and casgi_handlers and'
            " casgi_views are no commands",
            'put "casgi" first' + (', in place of "daphne"' if apps.is_installed("daphne") else ""),
        )
        return
    from casgi.checks import check_order_of_apps

    problems = check_order_of_apps(None)
    for problem in problems:
        yield Finding("warning", "INSTALLED_APPS", problem.msg, problem.hint)
    if not problems:
        yield Finding("ok", "INSTALLED_APPS", '"casgi" is where it has to be')


def check_threads() -> Iterator[Finding]:
    """Look at the variable that daphne reads too."""
    threads = os.environ.get("ASGI_THREADS")
    if threads is not None and not (threads.strip().isdecimal() and int(threads) > 0):
        text = f"ASGI_THREADS must be a whole number from 1, not {threads!r}"
        yield Finding("error", "environment", text)
