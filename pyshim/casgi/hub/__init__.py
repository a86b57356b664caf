"""The hub joins the groups of all processes of one host: docs/hub.md."""

from casgi._core import Hub
from casgi.hub.errors import HubUnavailable

__all__ = ["Hub", "HubUnavailable"]
