"""What the environment says of the hub: where it is, of which project we are, our patience."""

import math
import os
import sys

PATH_VARIABLE = "CASGI_HUB"
PROJECT_VARIABLE = "CASGI_HUB_PROJECT"
SILENCE_VARIABLE = "CASGI_HUB_SILENCE"


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


def patience() -> dict[str, float]:
    """Return the argument of a HubClient that the variable CASGI_HUB_SILENCE stands for.

    Without the variable the dict is empty. Raise ValueError when it is no number of seconds.
    """
    text = os.environ.get(SILENCE_VARIABLE)
    if not text:
        return {}
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"{SILENCE_VARIABLE} must be a number of seconds, not {text!r}")
    return {"silence": seconds}
