"""A Django project with a sync and an async view, one that fails, and middleware."""

import os

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of the tests",
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402  Django needs its settings first.
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402


def article(request, number, x=None):
    return HttpResponse(str(os.getpid()))


async def author(request, name):
    return HttpResponse("async")


def failing(request):
    raise RuntimeError("of the test")


urlpatterns = [
    path("articles/<int:number>/", article),
    path("authors/", include([path("<slug:name>/", author)])),
    re_path(r'^a"b/(?P<x>\w+)$', article, {"number": 1}),
    path("failing/", failing),
    path("", article, {"number": 0}),
]
application = get_asgi_application()
