"""Django with a sync view that never returns."""

import threading

from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of the tests")

from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402


def stuck(request):
    print("request", flush=True)
    threading.Event().wait()  # for ever


urlpatterns = [path("", stuck)]
application = get_asgi_application()
