"""Settings and pages of the site on which packages are tried."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path

DEFAULT_MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
CONTEXT_PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]


def settings(database: str) -> dict[str, Any]:
    """Return the settings to which packages add theirs."""
    apps = ("auth", "contenttypes", "sessions", "messages", "staticfiles")
    return {
        "ALLOWED_HOSTS": ["testserver"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [f"django.contrib.{app}" for app in apps],
        "LOGGING_CONFIG": None,
        "MIDDLEWARE": list(DEFAULT_MIDDLEWARE),
        "ROOT_URLCONF": __name__,
        "SECRET_KEY": "of a test",
        "STATIC_URL": "/static/",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": CONTEXT_PROCESSORS},
            }
        ],
        "USE_TZ": True,
    }


def hello(request: Any) -> HttpResponse:
    return HttpResponse("hello")


def users(request: Any) -> HttpResponse:
    from django.contrib.auth.models import User

    page = "<html><body>{{ count }} users, {{ request.user }}</body></html>"
    template = engines["django"].from_string(page)
    return HttpResponse(template.render({"count": User.objects.count()}, request))


def late(request: Any) -> TemplateResponse:
    return TemplateResponse(request, engines["django"].from_string("late {{ request.path }}"))


def visits(request: Any) -> HttpResponse:
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


def fail(request: Any) -> HttpResponse:
    logging.getLogger("pages").warning("about to fail")
    raise RuntimeError("as it was asked to")


def missing(request: Any) -> HttpResponse:
    raise Http404("nothing")


def denied(request: Any) -> HttpResponse:
    raise PermissionDenied("no")


def stream(request: Any) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield from (b"one", b"two")

    return StreamingHttpResponse(parts())


async def hello_async(request: Any) -> HttpResponse:
    return HttpResponse("hello")


async def users_async(request: Any) -> HttpResponse:
    from django.contrib.auth.models import User

    return HttpResponse(f"{await User.objects.acount()} users")


async def fail_async(request: Any) -> HttpResponse:
    raise RuntimeError("as it was asked to")


async def stream_async(request: Any) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one", b"two"):
            yield part

    return StreamingHttpResponse(parts())


VIEWS = (
    *(hello, users, late, visits, fail, missing, denied, stream),
    *(hello_async, users_async, fail_async, stream_async),
)
urlpatterns: list[Any] = [path(f"{view.__name__}/", view) for view in VIEWS]


def add_urls(prefix: str, module: str) -> None:
    """Add the pages of a package."""
    urlpatterns.append(path(prefix, include(module)))
