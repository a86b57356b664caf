"""The pages under measurement."""

import os
from pathlib import Path
from typing import Any

from channels.db import database_sync_to_async
from django.apps import apps
from django.contrib.auth.models import Group
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path


def sync_hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


async def async_hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


async def call(request: HttpRequest) -> HttpResponse:
    await database_sync_to_async(int)()
    return HttpResponse("hello")


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "groups.html", {"groups": Group.objects.all()})


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(os.environ["BENCH_FILE"]).open("rb"))


def groups(request: HttpRequest) -> Any:
    # Imported with the first request: the other commands need no REST framework.
    from bench.django_site.rest import Groups

    return Groups.as_view()(request)


urlpatterns = [
    path("", sync_hello),
    path("sync/", sync_hello),
    path("async/", async_hello),
    path("call/", call),
    path("page/", page),
    path("file/", file),
    path("drf/", groups),
]
for app, prefix, module in (
    ("allauth.account", "accounts/", "allauth.urls"),
    ("debug_toolbar", "__debug__/", "debug_toolbar.urls"),
):
    if apps.is_installed(app):
        urlpatterns.append(path(prefix, include(module)))
