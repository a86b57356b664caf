"""Where the hub of this process is, and which project the process is of."""

import os
import sys

PATH_VARIABLE = "CASGI_HUB"
PROJECT_VARIABLE = "CASGI_HUB_PROJECT"


def hub_path() -> str | None:
    """Return where the environment says that the hub is."""
    return os.environ.get(PATH_VARIABLE) or None


def project_name() -> bytes:
    """Return what tells this project from others at the same hub.

    The variable CASGI_HUB_PROJECT; or else a digest of Django's SECRET_KEY, which all processes of
    a project share and no other project has; or nothing.
    """
    name = os.environ.get(PROJECT_VARIABLE)
    if name is None and "django.conf" in sys.modules:
        from django.conf import settings

        if settings.configured and settings.SECRET_KEY:
            from django.utils.crypto import salted_hmac

            name = salted_hmac("casgi.hub", "project", algorithm="sha256").hexdigest()[:32]
    return (name or "").encode()
