"""A Django site: slow queries, views that wait, bodies of every size, and curious views.

LOAD_DATABASE has the settings of its database, as JSON; without it there is none.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
import urllib.request
from typing import Any

import curious_views
import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.urls import path

MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
database = json.loads(os.environ.get("LOAD_DATABASE", "{}"))
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": database} if database else {},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=MIDDLEWARE,
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
)

released = asyncio.Event()
stopped = threading.Event()
barriers: dict[int, threading.Barrier] = {}
counts = {"waiting": 0, "left": 0}


def slow(request: Any, number: int) -> HttpResponse:
    """Ask the database for something that takes a while; name the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() FROM pg_sleep(%s)", [request.GET["seconds"]])
        return HttpResponse(f"{number} {cursor.fetchone()[0]}")


async def wait(request: Any, number: int) -> HttpResponse:
    """Wait until all are released."""
    counts["waiting"] += 1
    try:
        await released.wait()
    except asyncio.CancelledError:
        counts["left"] += 1
        raise
    finally:
        counts["waiting"] -= 1
    return HttpResponse(str(number))


async def count(request: Any) -> JsonResponse:
    """Count those that wait, and those whose clients have left."""
    return JsonResponse(counts)


async def release(request: Any) -> HttpResponse:
    """Let those go on that wait."""
    released.set()
    return HttpResponse()


def meet(request: Any, number: int) -> HttpResponse:
    """Wait until so many are here."""
    barriers.setdefault(number, threading.Barrier(number)).wait()
    return HttpResponse("met")


def spin(request: Any) -> HttpResponse:
    """Compute until somebody asks for the end of it."""
    turns = 0
    while not stopped.is_set():
        turns += 1
    return HttpResponse("stopped")


def stop(request: Any) -> HttpResponse:
    """Let those end that compute."""
    stopped.set()
    return HttpResponse()


def chain(request: Any, number: int) -> HttpResponse:
    """Ask this very server, which asks it again, so many times."""
    if number == 0:
        return HttpResponse("0")
    address = f"http://127.0.0.1:{request.META['SERVER_PORT']}"
    with urllib.request.urlopen(f"{address}/chain/{number - 1}/") as response:
        return HttpResponse(f"{number} {response.read().decode()}")


def whole(request: Any) -> JsonResponse:
    """Take the body at once."""
    return _of(request.body)


def by_pieces(request: Any) -> JsonResponse:
    """Read it."""
    found = hashlib.sha256()
    length = 0
    while piece := request.read(50_000):
        found.update(piece)
        length += len(piece)
    return JsonResponse({"length": length, "digest": found.hexdigest()})


def form(request: Any) -> JsonResponse:
    """Take what a form has sent: its fields, and the files with where they are kept."""
    files = {name: [type(file).__name__, _found(file)] for name, file in request.FILES.items()}
    fields = {name: len(value) for name, value in request.POST.items()}
    return JsonResponse({"fields": fields, "files": files})


def _found(file: Any) -> list[Any]:
    return [file.size, hashlib.sha256(file.read()).hexdigest()]


def _of(body: bytes) -> JsonResponse:
    return JsonResponse({"length": len(body), "digest": hashlib.sha256(body).hexdigest()})


urlpatterns = [
    *curious_views.urlpatterns,
    path("slow/<int:number>/", slow),
    path("wait/<int:number>/", wait),
    path("count/", count),
    path("release/", release),
    path("meet/<int:number>/", meet),
    path("spin/", spin),
    path("stop/", stop),
    path("chain/<int:number>/", chain),
    path("whole/", whole),
    path("by_pieces/", by_pieces),
    path("form/", form),
]
django.setup()
application = get_asgi_application()
