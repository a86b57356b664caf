"""The ASGI application with Django's handler of static files in front, as `runserver` has it."""

from bench.django_site.start import start

start()

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

application = ASGIStaticFilesHandler(get_asgi_application())
