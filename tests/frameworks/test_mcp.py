"""An MCP server (streamable HTTP: JSON-RPC over POST, answered by event streams, and one standing
stream by GET) whose clients leave at every step.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from frameworks.leaver_site import LEAVE, LeaverSite
from frameworks.site_process import require
from support.raw import RawClient

VERSION = "2025-06-18"
WITHOUT_SESSIONS = "2026-07-28"


class McpSite(LeaverSite):
    """A session with an MCP server."""

    headers = {"MCP-Protocol-Version": VERSION}
    _last_id = 0

    def begin(self) -> None:
        """Shake hands."""
        client = {"name": "leaver", "version": "1"}
        parameters = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}
        with self.ask_for("initialize", parameters) as connection:
            session = connection.read_response().header(b"mcp-session-id")
        assert session is not None
        self.headers = {**self.headers, "Mcp-Session-Id": session.decode()}
        with self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}) as connection:
            assert connection.read_response().status == 202

    def send_head(self, method: str, length: int, **headers: str) -> RawClient:
        """Return a client that has sent a request's head, with the session's headers or these."""
        client = self.connect()
        lines = [
            f"{method} /mcp HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Accept: application/json, text/event-stream",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in (headers or self.headers).items()),
        ]
        client.send("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        return client

    def post(self, message: dict[str, object], **headers: str) -> RawClient:
        """Return a client that has sent a message."""
        body = json.dumps(message).encode()
        client = self.send_head("POST", len(body), **headers)
        client.send(body)
        return client

    def ask_for(self, method: str, parameters: dict[str, object]) -> RawClient:
        """Return a client that has sent a request."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": parameters}
        return self.post(message)

    def call_tool(self) -> RawClient:
        """Return a client that has called the tool, which waits."""
        parameters = {"name": "wait", "arguments": {}, "_meta": {"progressToken": "progress"}}
        client = self.ask_for("tools/call", parameters)
        self.wait_to_hear("waiting")
        return client

    def ping(self) -> None:
        """The session goes on."""
        with self.ask_for("ping", {}) as client:
            assert b'"result":{}' in client.read_response().body


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpSite]:
    require("mcp")
    with McpSite("mcp", tmp_path_factory.mktemp("mcp")) as site:
        site.begin()
        yield site
        site.ping()
        site.stop_quietly()


@pytest.mark.parametrize("leave", LEAVE)
def test_leaves_the_standing_stream(site: McpSite, leave: str) -> None:
    client = site.send_head("GET", 0)
    site.wait_to_hear("/mcp begun")
    getattr(client, leave)()
    site.wait_to_hear("/mcp returned")


@pytest.mark.parametrize("leave", LEAVE)
def test_leaves_before_the_response(site: McpSite, leave: str) -> None:
    getattr(site.ask_for("tools/list", {}), leave)()
    site.wait_to_hear("/mcp returned")


@pytest.mark.parametrize("leave", LEAVE)
def test_leaves_in_the_middle_of_a_stream(site: McpSite, leave: str) -> None:
    """The tool goes on, as the protocol wants it, and nobody hears of what it finds."""
    client = site.call_tool()
    client.read_until(b"notifications/progress")
    getattr(client, leave)()
    site.wait_to_hear("/mcp returned")
    assert not site.heard()["tool ended"]
    assert site.get("/gate") == "open"
    site.wait_to_hear("tool finished", "tool ended")


@pytest.mark.parametrize("leave", LEAVE)
def test_leaves_a_call_without_a_session(site: McpSite, leave: str) -> None:
    """In the protocol's later versions the call ends with its client."""
    envelope = {
        "progressToken": "progress",
        "io.modelcontextprotocol/protocolVersion": WITHOUT_SESSIONS,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    parameters = {"name": "wait", "arguments": {}, "_meta": envelope}
    message = {"jsonrpc": "2.0", "id": "call", "method": "tools/call", "params": parameters}
    headers = {
        "MCP-Protocol-Version": WITHOUT_SESSIONS,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "wait",
    }
    client = site.post(message, **headers)
    client.read_until(b"notifications/progress")
    site.wait_to_hear("waiting")
    getattr(client, leave)()
    site.wait_to_hear("tool ended", "/mcp returned")
    assert not site.heard()["tool finished"]
    assert site.complaints() == []


def test_leaves_while_uploading(tmp_path: Path) -> None:
    """The package itself logs that its request did not come whole: once, and nobody else does."""
    require("mcp")
    with McpSite("mcp", tmp_path) as site:
        site.begin()
        for number, leave in enumerate(LEAVE):
            client = site.send_head("POST", 1000)
            client.send(b'{"jsonrpc"')
            site.wait_to_hear("/mcp begun")
            getattr(client, leave)()
            site.wait_to_hear("/mcp returned")
            site.ping()
            error, traceback = site.complaints()[2 * number :]
            assert error.endswith("ERROR    Error handling POST request")
            assert traceback.startswith("Traceback")
