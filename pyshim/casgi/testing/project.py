"""The Django project under test, served."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import modify_settings
from django.utils.module_loading import import_string

from casgi.legacy import as_asgi3
from casgi.testing.live_server import LiveServer

# What Django's test runner adds to ALLOWED_HOSTS, and what stands for it with DEBUG.
_TESTS_OWN = "testserver"
_WHILE_DEBUGGING = {"localhost", "127.0.0.1", "[::1]"}
_MOST_APPLICATIONS = 50


def project_application() -> Any:
    """Return the ASGI_APPLICATION of the settings, with static files if the project has them."""
    name = getattr(settings, "ASGI_APPLICATION", None)
    if not name:
        raise ImproperlyConfigured("Set ASGI_APPLICATION: there is nothing to serve without.")
    application = as_asgi3(import_string(name))
    if not apps.is_installed("django.contrib.staticfiles"):
        return application
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

    return ASGIStaticFilesHandler(application)


class ProjectServer(LiveServer):
    """Serves the project, which takes the server for a host of its own."""

    def __init__(self, *, application: Any = None, **options: Any) -> None:
        """Take what a LiveServer takes; the application is the project's."""
        super().__init__(application or project_application(), **options)
        self._allowed = allowed_host(self._application, self.host)

    def start(self) -> None:
        """As a LiveServer."""
        self._allowed.__enter__()
        try:
            super().start()
        except BaseException:
            self._allowed.__exit__(None, None, None)
            raise

    def stop(self) -> None:
        """As a LiveServer."""
        was_running = self._server is not None
        super().stop()
        if was_running:
            self._allowed.__exit__(None, None, None)


class PytestDjangoServer(ProjectServer):
    """What pytest-django takes for a live server."""

    def __init__(self, host: str, port: int) -> None:
        """Take where to listen; port 0 is any that is free."""
        super().__init__(bind=host, port=port)
        # pytest-django enables these around each test that uses the fixture.
        self._live_server_modified_settings = modify_settings(ALLOWED_HOSTS={"append": host})


@contextlib.contextmanager
def allowed_host(application: Any, host: str) -> Iterator[None]:
    """Add a host to ALLOWED_HOSTS, and to what Channels' validator has made of it when imported.

    A new project allows no host, and its asgi.py is imported before a test's settings apply.
    """
    validators = [each for each in _inner(application) if _follows_allowed_hosts(each)]
    before = [validator.allowed_origins for validator in validators]
    name = f"[{host}]" if ":" in host else host
    for validator in validators:
        validator.allowed_origins = [*validator.allowed_origins, name]
    try:
        with modify_settings(ALLOWED_HOSTS={"append": name}):
            yield
    finally:
        for validator, origins in zip(validators, before, strict=True):
            validator.allowed_origins = origins


def _inner(application: Any) -> Iterator[Any]:
    """Return the application and what it is put around, as far as attributes tell."""
    seen: set[int] = set()
    found = [application]
    while found and len(seen) < _MOST_APPLICATIONS:
        one = found.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        for name in ("application", "app", "inner"):
            found += [each for each in [getattr(one, name, None)] if callable(each)]
        routes = getattr(one, "application_mapping", None)
        found += routes.values() if isinstance(routes, dict) else []


def _follows_allowed_hosts(application: Any) -> bool:
    """Whether it is an OriginValidator that AllowedHostsOriginValidator() has made."""
    if type(application).__name__ != "OriginValidator":
        return False
    origins = set(application.allowed_origins) - {_TESTS_OWN}
    return origins in (set(settings.ALLOWED_HOSTS) - {_TESTS_OWN}, _WHILE_DEBUGGING)
