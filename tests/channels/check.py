"""A check: a question put to a server, whose answer is a plain value that can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from site_process import Site
from support.raw import Response

Check = Callable[[Site], Any]

# What these hold is compared by checks of their own, or says who the server is and what time it is.
UNCOMPARED = {b"server", b"date", b"connection", b"transfer-encoding", b"content-length"}


class Checks(dict[str, Check]):
    """The checks of one kind, by their names."""

    def add(self, check: Check) -> Check:
        """Register a check under its function's name (a decorator)."""
        assert check.__name__ not in self
        self[check.__name__] = check
        return check


def answer(response: Response) -> dict[str, Any]:
    """Return what a client makes of a response."""
    headers = [
        (name.lower().decode(), scrub(value.decode("latin-1")))
        for name, value in response.headers
        if name.lower() not in UNCOMPARED
    ]
    body = response.body if len(response.body) < 4000 else f"{len(response.body)} bytes"
    return {"status": response.status, "headers": sorted(headers), "body": body}


def scrub(value: str) -> str:
    """Take out of a header's value what no two runs share."""
    return re.sub(r"sessionid=\w+|expires=[^;]+", "(own)", value)


def head_only(response: Response) -> tuple[int, bytes]:
    """Return status and reason phrase."""
    return response.status, response.reason


def framing(response: Response) -> dict[str, Any]:
    """Return how the body's end is told and whether the connection is kept."""
    return {
        "chunked": response.header(b"transfer-encoding"),
        "length": response.header(b"content-length"),
        "connection": (response.header(b"connection") or b"").lower(),
    }
