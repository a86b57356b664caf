"""What the configurations of docs/proxies.md have in front of and behind them in tests."""

import re
import ssl
from pathlib import Path

import pytest
import snippets
from support.apps import Receive, Scope, Send, echo_websocket, read_body, respond
from support.certificates import Authority
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

HEADERS = {"proxy_headers_host": "X-Forwarded-For", "proxy_headers_port": "X-Forwarded-Port"}
# A busy machine lets a proxy wait.
SECONDS = 60
LIES = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "gopher")]
BLOCKS = [
    (program, text)
    for program in ("nginx", "haproxy", "caddy")
    for text in snippets.of_page("docs/proxies.md", program)
]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo WebSocket messages; say what is known of a request, and how long its body is."""
    if scope["type"] == "websocket":
        if scope["path"] == "/close":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4321, "reason": "enough"})
        else:
            await echo_websocket(scope, receive, send)
        return
    size = len(await read_body(receive))
    host, port = scope["client"]
    await respond(send, f"{host} {port} {scope['scheme']} {size}".encode())


def with_ours(text: str, port: int, upstream: object, folder: Path | None = None) -> str:
    """Return a configuration with the ports and the path of a test, each of which it must name.

    Certificates are made, in `folder`, where it names those of /etc/ssl.
    """
    place = str(upstream)
    text, ports = re.subn(r"(listen |bind ):?(80|443)\b", rf"\g<1>127.0.0.1:{port}", text)
    ours = f":{port} {{\n    bind 127.0.0.1"
    text, sites = re.subn(r"^:(80|443) {", ours, text, flags=re.MULTILINE)
    text, places = re.subn(r"/run/site\.socket|127\.0\.0\.1:8000", lambda _: place, text)
    assert ports + sites == 1, text
    assert places, text
    if folder is not None:
        files = Authority(folder).issue("127.0.0.1")
        both = Path(files.certificate).read_text() + Path(files.key).read_text()
        (folder / "site.pem").write_text(both)
        (folder / "site.key").write_text(Path(files.key).read_text())
        text = text.replace("/etc/ssl/", f"{folder}/")
    return text


def trusting(folder: Path) -> ssl.SSLContext:
    """Return a client's context that trusts what `with_ours()` has made."""
    return ssl.create_default_context(cafile=str(folder / "authority.pem"))


def check_websockets(url: str, context: ssl.SSLContext | None = None) -> None:
    """Messages of all sizes pass, compressed, and the close code does."""
    with connect(f"{url}/", ssl=context, open_timeout=SECONDS) as client:
        assert [one.name for one in client.protocol.extensions] == ["permessage-deflate"]
        for message in ("short", "long " * 50_000, bytes(range(256)) * 1000):
            client.send(message)
            assert client.recv(SECONDS) == message
    with connect(f"{url}/close", ssl=context, open_timeout=SECONDS) as client:
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv(SECONDS)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "enough")
