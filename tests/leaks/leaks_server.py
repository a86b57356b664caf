"""A server with everything turned on, and clients of its three ways in."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from pathlib import Path

from support.certificates import Authority
from support.http2 import Http2Client
from support.ports import free_port
from support.raw import RawClient, Response, request
from support.server_process import ServerProcess
from support.ws import WebSocketClient

FOLDER = Path(__file__).parent
DEADLINE = 30.0
Counts = dict[str, int]
# Of which the request that counts has one.
_OWN = ("core connections", "core http_cycles")


class LeaksServer(ServerProcess):
    """The process."""

    def __init__(self, folder: Path) -> None:
        """Prepare its files in `folder`."""
        files = folder / "files"
        files.mkdir()
        (files / "file.txt").write_text("static" * 1000)
        authority = Authority(folder)
        issued = authority.issue("127.0.0.1")
        self._context = ssl.create_default_context(cafile=authority.certificate)
        port, self._secure_port = free_port(), free_port()
        endpoint = f"ssl:{self._secure_port}:privateKey={issued.key}:certKey={issued.certificate}"
        command = [sys.executable, "-m", "casgi", "-b", "127.0.0.1", "-p", str(port)]
        command += ["-e", f"{endpoint}:interface=127.0.0.1", "--ws-deflate", "--no-access-log"]
        command += ["--static", f"/static/={files}", "leaks_site:application"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CASGI_")}
        environment["LEAKS_FOLDER"] = str(folder)
        super().__init__(command, port, folder / "casgi.log", FOLDER, environment)

    # --- Ways in ---

    def connect(self) -> RawClient:
        """Return a connection."""
        return RawClient(socket.create_connection(("127.0.0.1", self.port), DEADLINE))

    def connect_secure(self, *protocols: str) -> RawClient:
        """Return a connection over TLS that offers these protocols by ALPN."""
        self._context.set_alpn_protocols(protocols or ["http/1.1"])
        bare = socket.create_connection(("127.0.0.1", self._secure_port), DEADLINE)
        return RawClient(self._context.wrap_socket(bare, server_hostname="127.0.0.1"))

    def connect_bare_to_tls(self) -> RawClient:
        """Return a connection to the port of TLS on which nobody has spoken."""
        return RawClient(socket.create_connection(("127.0.0.1", self._secure_port), DEADLINE))

    def http2(self) -> Http2Client:
        """Return a connection that speaks HTTP/2 by prior knowledge."""
        return Http2Client(self.connect())

    def http2_secure(self) -> Http2Client:
        """Return a connection that has agreed on HTTP/2 by ALPN."""
        return Http2Client(self.connect_secure("h2"))

    def websocket(self, target: str, *headers: str) -> WebSocketClient:
        """Return an open WebSocket."""
        client = WebSocketClient(socket.create_connection(("127.0.0.1", self.port), DEADLINE))
        client.handshake(target, headers=headers)
        return client

    def ask(self, data: bytes) -> Response:
        """Return the response to a request on a connection of its own."""
        with self.connect() as client:
            client.send(data)
            return client.read_response()

    # --- What is alive ---

    def count(self) -> Counts:
        """Return what is alive once nothing goes on any more."""
        with self.connect() as client:
            deadline = time.monotonic() + DEADLINE
            while max((now := self._count(client))[name] for name in _OWN) > 1:
                assert time.monotonic() < deadline, f"something goes on: {now}"
            return now

    @staticmethod
    def _count(client: RawClient) -> Counts:
        client.send(request("/plain/count"))
        counts: Counts = json.loads(client.read_response().body)
        return counts
