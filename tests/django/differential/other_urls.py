"""The URLs that a middleware may choose for a request."""

from __future__ import annotations

from typing import Any

from differential.site import _answer
from django.urls import path


def _other(request: Any) -> Any:
    response = _answer("other view")
    response["X-Other"] = "yes"
    return response


urlpatterns = [path("", _other)]
