"""casgi: an ASGI server in C for Django Channels and every other ASGI application."""

from typing import TYPE_CHECKING

from casgi.lazy import lazy_names

if TYPE_CHECKING:
    from casgi._core import ClientDisconnected
    from casgi.api import run, serve
    from casgi.config import Config
    from casgi.server import Server

__version__ = "0.1.0"

__all__ = ["ClientDisconnected", "Config", "Server", "__version__", "run", "serve"]

# Loaded when asked for: Django and pytest import this package in processes that serve nothing.
__getattr__ = lazy_names(
    __name__,
    {
        "ClientDisconnected": "casgi._core",
        "Config": "casgi.config",
        "Server": "casgi.server",
        "run": "casgi.api",
        "serve": "casgi.api",
    },
)
