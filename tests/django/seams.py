"""Ours in the place of Django's, for as long as a test wants."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.test import override_settings
from django.urls import clear_url_caches

from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.request_seam import Requests


@contextlib.contextmanager
def in_place(*seams: Any) -> Iterator[None]:
    """Install seams in this order, and remove them."""
    with contextlib.ExitStack() as stack:
        for seam in seams:
            seam.install()
            stack.callback(seam.remove)
        yield


@contextlib.contextmanager
def site_in_place(urls: str, **settings: Any) -> Iterator[None]:
    """Serve a site of a module of URLs, without middleware unless settings name it, by ours."""
    site = {"ROOT_URLCONF": urls, "ALLOWED_HOSTS": ["*"], "MIDDLEWARE": [], **settings}
    with in_place(ShortHops(), PlainMiddleware(), Requests()), override_settings(**site):
        clear_url_caches()
        yield
