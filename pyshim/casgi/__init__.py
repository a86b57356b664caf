"""casgi: an ASGI server in C for Django Channels and every other ASGI application."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casgi._core import ClientDisconnected
    from casgi.api import run, serve
    from casgi.config import Config
    from casgi.server import Server

__version__ = "0.1.0"

__all__ = ["ClientDisconnected", "Config", "Server", "__version__", "run", "serve"]

# Loaded when asked for: Django and pytest import this package in processes that serve nothing.
_HOMES = {
    "ClientDisconnected": "casgi._core",
    "Config": "casgi.config",
    "Server": "casgi.server",
    "run": "casgi.api",
    "serve": "casgi.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
