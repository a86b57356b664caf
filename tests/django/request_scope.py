"""The scope of a request, as a server gives it to Django; a test's own is made from it."""

from typing import Any

SCOPE: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"host", b"testserver")],
    "scheme": "http",
    "server": ("testserver", 80),
    "client": ("127.0.0.1", 1),
    "root_path": "",
}
