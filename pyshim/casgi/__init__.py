"""casgi: an ASGI server in C for Django Channels and every other ASGI application."""

from casgi._core import ClientDisconnected
from casgi.api import run, serve
from casgi.config import Config
from casgi.server import Server

__version__ = "0.1.0"

__all__ = ["ClientDisconnected", "Config", "Server", "__version__", "run", "serve"]
