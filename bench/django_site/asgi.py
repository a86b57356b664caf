"""The ASGI application."""

from bench.django_site.start import start

start()

from django.core.asgi import get_asgi_application  # noqa: E402

application = get_asgi_application()
