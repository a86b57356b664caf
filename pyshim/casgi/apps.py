"""What Django loads when `"casgi"` is in INSTALLED_APPS."""

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from casgi.checks import check_order_of_apps
from casgi.testing.stand_in import stand_in_for_daphne


class CasgiConfig(AppConfig):  # type: ignore[misc]
    """The app: it has commands and checks, and no models."""

    name = "casgi"
    verbose_name = "casgi"

    def ready(self) -> None:
        """Register the checks; stand in for daphne in tests; watch over sessions and users."""
        checks.register(check_order_of_apps, checks.Tags.staticfiles)
        stand_in_for_daphne()
        if getattr(settings, "CASGI_DISCONNECT", None):
            from casgi.channels.identity.watching import watch

            watch()
