"""Browsers speak HTTP/2 with casgi over TLS, and put their WebSockets on the same connection.

`make browsers-idle` leaves the idle ones alone for six minutes.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from firefox import FIREFOX, Firefox, FirefoxPage, run_firefox
from playwright.sync_api import Page
from support.apps import Journal, Receive, Scope, Send, echo_websocket, read_body, respond
from support.certificates import Authority
from support.reports import wait_until
from support.server import LiveServer, Serve

from casgi.tls import Certificate, TlsSettings

IDLE_SECONDS = float(os.environ.get("BROWSER_IDLE", "0.5"))

OPEN = """const open = (url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve(socket);
    socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
});
const ask = (socket, text) => new Promise((resolve, reject) => {
    socket.onmessage = (event) => resolve(event.data);
    socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
    socket.send(text);
});
"""
ECHO = (
    "async (url) => {"
    + OPEN
    + """
    const sockets = await Promise.all(Array.from({length: 20}, () => open(url)));
    const received = await Promise.all(sockets.map((socket, number) =>
        ask(socket, `hello ${number} ` + 'x'.repeat(number * 5000))));
    const codes = sockets.map((socket) => new Promise((resolve) => {
        socket.onclose = (event) => resolve(event.code);
        socket.close(4000);
    }));
    const extensions = new Set(sockets.map((socket) => socket.extensions.split(';')[0]));
    return [received.map((text) => text.length), await Promise.all(codes), [...extensions]];
}"""
)
IDLE = (
    "async ([url, seconds]) => {"
    + OPEN
    + """
    const sockets = await Promise.all(Array.from({length: 10}, () => open(url)));
    const closed = [];
    for (const socket of sockets) {
        socket.onclose = (event) => closed.push(event.code);
    }
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    if (closed.length) {
        return closed;
    }
    const texts = await Promise.all(sockets.map((socket) => ask(socket, 'still here')));
    sockets.forEach((socket) => socket.close());
    return texts;
}"""
)
ABORT = """async () => {
    for (let round = 0; round < 20; round++) {
        const control = new AbortController();
        const fetches = Array.from({length: 100}, (_, n) =>
            fetch(`/wait/${round}/${n}`, {signal: control.signal}).catch(() => 'aborted'));
        await new Promise((resolve) => setTimeout(resolve, 0));
        control.abort();
        await Promise.all(fetches);
    }
    for (;;) { // Chromium refuses fetches of its own for a moment, having had so many
        try {
            return await (await fetch('/after')).text();
        } catch (error) {
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }
}"""


HOLD = """async () => {
    window.held = await Promise.all(Array.from({length: 10}, (_, n) => fetch(`/large/${n}`)));
    return window.held.map((response) => response.status);
}"""


async def send_without_end(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    while True:
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await echo_websocket(scope, receive, send)
    elif scope["path"].startswith("/wait"):
        while (await receive())["type"] != "http.disconnect":
            pass
    else:
        await read_body(receive)
        await respond(send, b"<title>page</title>", headers=[(b"content-type", b"text/html")])


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    if FIREFOX is None:
        pytest.skip("Firefox is not installed: this release has no package of it")
    with run_firefox(tmp_path_factory.mktemp("firefox")) as running:
        yield running


@pytest.fixture(params=["chromium", "firefox"])
def page(request: pytest.FixtureRequest) -> Iterator[Page | FirefoxPage]:
    if request.param == "firefox":
        tab = request.getfixturevalue("firefox").new_page()
        yield tab
        tab.close()
        return
    context = request.getfixturevalue("browser").new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


def start(serve: Serve, folder: Path, journal: Journal, **options: object) -> LiveServer:
    """Return a server with TLS that notes who comes, and how."""

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add((scope["type"], scope["http_version"], scope["scheme"], scope["client"]))
        await application(scope, receive, send)

    files = Authority(folder).issue("127.0.0.1")
    settings = TlsSettings((Certificate(files.certificate, files.key),))
    return serve(noting, tls=settings, **options)


def test_browser(page: Page | FirefoxPage, serve: Serve, tmp_path: Path) -> None:
    journal = Journal()
    host, port = start(serve, tmp_path, journal, ws_deflate=True).address
    page.goto(f"https://{host}:{port}/")
    lengths, codes, extensions = page.evaluate(ECHO, f"wss://{host}:{port}/")
    assert lengths == [len(f"hello {n} ") + n * 5000 for n in range(20)]
    assert codes == [4000] * 20
    assert extensions == ["permessage-deflate"]
    noted = journal.rest()
    client = noted[0][3]
    assert noted[0] == ("http", "2", "https", client)
    assert noted.count(("websocket", "2", "wss", client)) == 20
    assert page.evaluate(ABORT) == "<title>page</title>"
    assert {entry[3] for entry in journal.rest()} == {client}  # it was not cut


def test_a_page_that_leaves_what_it_does_not_read(
    page: Page | FirefoxPage, serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its responses wait for windows when it goes: they end, and the connection stays.

    Firefox ends it with INTERNAL_ERROR if it was about to pass something on to the page that goes.
    """
    caplog.set_level(logging.INFO, "casgi")
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/large"):
            if scope["path"] in ("/", "/after"):  # a browser asks for /favicon.ico, too
                journal.add(scope["client"])
            await respond(send, b"<title>page</title>", headers=[(b"content-type", b"text/html")])
            return
        await receive()
        sender = asyncio.create_task(send_without_end(send))
        assert (await receive())["type"] == "http.disconnect"
        sender.cancel()
        journal.add("left")

    files = Authority(tmp_path).issue("127.0.0.1")
    server = serve(application, tls=TlsSettings((Certificate(files.certificate, files.key),)))
    host, port = server.address
    page.goto(f"https://{host}:{port}/")
    client = journal.next()
    assert page.evaluate(HOLD) == [200] * 10
    page.goto(f"https://{host}:{port}/after")
    noted = [journal.next() for _ in range(11)]
    assert noted.count("left") == 10
    if isinstance(page, FirefoxPage) and client not in noted:
        failure = "Refused an invalid request of 127.0.0.1 with 400: INTERNAL_ERROR"
        wait_until(lambda: failure in caplog.messages, "Firefox did not end the connection")
    else:
        assert set(noted) == {"left", client}


@pytest.mark.parametrize("ping_interval", [0, 20])
def test_idle_websockets(
    page: Page | FirefoxPage, serve: Serve, tmp_path: Path, ping_interval: float
) -> None:
    """They stay open, with pings and without, and are on one connection at the end."""
    journal = Journal()
    scale = min(1.0, IDLE_SECONDS / 360)
    server = start(serve, tmp_path, journal, ping_interval=ping_interval * scale)
    host, port = server.address
    page.goto(f"https://{host}:{port}/")
    more = {"seconds": IDLE_SECONDS + 60} if isinstance(page, FirefoxPage) else {}
    texts = page.evaluate(IDLE, [f"wss://{host}:{port}/", IDLE_SECONDS], **more)
    assert texts == ["still here"] * 10
    noted = journal.rest()
    assert noted.count(("websocket", "2", "wss", noted[0][3])) == 10
