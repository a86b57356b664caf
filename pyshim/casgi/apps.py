"""What Django loads when `"casgi"` is in INSTALLED_APPS."""

from django.apps import AppConfig
from django.core import checks

from casgi.checks import check_order_of_apps
from casgi.testing.stand_in import stand_in_for_daphne


class CasgiConfig(AppConfig):  # type: ignore[misc]
    """The app: it has commands and checks, and no models."""

    name = "casgi"
    verbose_name = "casgi"

    def ready(self) -> None:
        """Register the checks; make ChannelsLiveServerTestCase importable without daphne."""
        checks.register(check_order_of_apps, checks.Tags.staticfiles)
        stand_in_for_daphne()
