"""A client of a Django site that is served by a process of its own."""

from __future__ import annotations

import http.client
import json
from typing import Any

from support.casgi_process import DEADLINE

Answer = tuple[int, Any]


class Site:
    """One connection to it."""

    def __init__(self, port: int) -> None:
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)

    def get(self, path: str) -> Answer:
        """Return status and JSON, None if there is none."""
        self._client.request("GET", path)
        return self._answer()

    def post(self, path: str, body: bytes, kind: str, *, is_chunked: bool) -> Answer:
        """Do the same with a body of some content type."""
        pieces = (body[at : at + 70_000] for at in range(0, len(body), 70_000))
        content: Any = pieces if is_chunked else body
        headers = {"content-type": kind}
        self._client.request("POST", path, content, headers, encode_chunked=is_chunked)
        return self._answer()

    def close(self) -> None:
        """Close it."""
        self._client.close()

    def _answer(self) -> Answer:
        response = self._client.getresponse()
        answer = response.read()
        if response.will_close:
            self._client.close()
        has_json = response.headers.get("content-type") == "application/json"
        return response.status, json.loads(answer) if has_json else None
