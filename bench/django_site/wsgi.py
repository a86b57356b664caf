"""The WSGI application."""

from bench.django_site.start import start

start()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
