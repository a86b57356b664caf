"""The setting CASGI_DISCONNECT: whether WebSockets are known by user and session."""

import sys
from typing import Any

DEFAULT_CODE = 4401


def is_enabled() -> bool:
    """Whether the settings ask for it."""
    return bool(_setting())


def close_code() -> int:
    """Return the code with which WebSockets are closed."""
    setting = _setting()
    code: int = setting.get("code", DEFAULT_CODE) if isinstance(setting, dict) else DEFAULT_CODE
    return code


def check_code(code: int) -> int:
    """Return a close code that may be sent (RFC 6455 section 7.4). Raise ValueError."""
    if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in (1004, 1005, 1006):
        raise ValueError(f"no close code that may be sent: {code!r}; 3000 to 4999 are yours")
    return code


def _setting() -> Any:
    if "django.conf" not in sys.modules:
        return None
    from django.conf import settings

    return getattr(settings, "CASGI_DISCONNECT", None) if settings.configured else None
