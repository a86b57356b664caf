"""A site as a process, and how it is asked."""

import http.client
import importlib.util
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.ports import free_port
from support.reports import wait_until
from support.server_process import ServerProcess
from websockets.sync.client import connect

FOLDER = Path(__file__).parent
SECONDS = 20


def require(*modules: str) -> None:
    """Skip the test unless the packages of these modules are installed."""
    for module in modules:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            pytest.skip(f"{module} is not installed: pip install -e '.[frameworks]'")


class CommandProcess(ServerProcess):
    """A server of any command, and how it is asked."""

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the response to a request of its own connection, and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> str:
        """Return the body that a GET is answered with, which must be 200."""
        response, body = self.ask("GET", path)
        assert response.status == 200, (response.status, body, self.log_text())
        return body.decode()

    def post(self, path: str, cookies: str = "", **fields: str) -> http.client.HTTPResponse:
        """Return the response to a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies}
        return self.ask("POST", path, urlencode(fields).encode(), headers)[0]

    def wait_for_log(self, pattern: str) -> None:
        """Wait until the pattern is in the log."""
        wait_until(lambda: re.search(pattern, self.log_text()) is not None, self.log_text())

    def memory(self, name: str) -> int:
        """Return a figure of /proc/PID/status in bytes."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found
        return int(found[1]) * 1024

    def websocket(self, path: str) -> connect:
        """Return a WebSocket, for `with`."""
        url = f"ws://127.0.0.1:{self.port}{path}"
        return connect(url, open_timeout=SECONDS, close_timeout=SECONDS)


class SiteProcess(CommandProcess):
    """`casgi module:application`, from the folder of a site."""

    def __init__(
        self, application: str, log_folder: Path, *options: str, folder: Path, **variables: str
    ) -> None:
        """Serve within `folder` and with environment variables; the log is in `log_folder`."""
        port = free_port()
        command = [sys.executable, "-m", "casgi", "-p", str(port), *options, application]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CASGI_")}
        environment = {**inherited, "PYTHONUNBUFFERED": "1", **variables}
        super().__init__(command, port, log_folder / "casgi.log", folder, environment)
