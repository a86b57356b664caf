"""What both applications do before Django is set up."""

import os
from typing import Any


def start() -> None:
    """Name the settings, and start Sentry's SDK if that is measured."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.django_site.settings")
    if os.environ.get("BENCH_MIDDLEWARE") == "sentry":
        _start_sentry()


def _start_sentry() -> None:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            pass

    sentry_sdk.init("http://key@127.0.0.1/1", transport=Nowhere)
