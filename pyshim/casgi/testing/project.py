"""The Django project under test, served."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import modify_settings
from django.utils.module_loading import import_string

from casgi.legacy import as_asgi3
from casgi.testing.live_server import LiveServer


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
    """What pytest-django takes for a live server."""

    def __init__(self, host: str, port: int) -> None:
        """Take where to listen; port 0 is any that is free."""
        super().__init__(project_application(), bind=host, port=port)
        # pytest-django enables these around each test that uses the fixture.
        self._live_server_modified_settings = modify_settings(ALLOWED_HOSTS={"append": host})
