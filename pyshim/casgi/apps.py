"""What Django loads when `"casgi"` is in INSTALLED_APPS."""

from django.apps import AppConfig


class CasgiConfig(AppConfig):  # type: ignore[misc]
    """The app: it has commands, and no models."""

    name = "casgi"
    verbose_name = "casgi"
