"""The packages whose middleware has async code of its own that may run in any thread."""

from types import ModuleType
from typing import Any

from casgi.django import allauth, corsheaders
from casgi.django.middleware_parts import MiddlewareParts

_PACKAGES = (corsheaders, allauth)


def parts_of(middleware: Any) -> MiddlewareParts | None:
    """Return the parts of a middleware, if it is such a one and they may run in any thread."""
    for package in _PACKAGES:
        parts: MiddlewareParts | None = package.parts_of(middleware)
        if parts is not None:
            return parts
    return None


def package_of(factory: Any) -> ModuleType | None:
    """Return the module here that knows what makes a middleware; None: nobody does."""
    return next((package for package in _PACKAGES if package.is_middleware(factory)), None)


def look() -> None:
    """Look at their texts, which takes its time once."""
    for package in _PACKAGES:
        package.unsupported_reason()
