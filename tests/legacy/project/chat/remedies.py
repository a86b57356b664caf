"""What Channels 2.1.3 needs on today's Pythons, whatever serves it; docs/channels-2.md."""

import asyncio
from urllib.parse import urlparse

import channels.utils
from channels.security.websocket import OriginValidator
from django.http.request import is_same_domain

# Python 3.8 made asyncio's CancelledError a class of its own: caught no more, it took the place of
# what a consumer had raised, and left the consumer's wait for its channel behind.
channels.utils.CancelledError = asyncio.CancelledError


def match_allowed_origin(self, parsed_origin, pattern):
    """Judge as the original does, without urlparse(scheme=None), which raises today."""
    if parsed_origin is None or parsed_origin.hostname is None:
        return False
    allowed = urlparse(pattern.lower() if "//" in pattern else "//" + pattern.lower())
    if not is_same_domain(parsed_origin.hostname, allowed.hostname or pattern):
        return False
    if not allowed.scheme:
        return True
    same_port = self.get_origin_port(parsed_origin) == self.get_origin_port(allowed)
    return parsed_origin.scheme == allowed.scheme and same_port


OriginValidator.match_allowed_origin = match_allowed_origin
