"""Chromium speaks HTTP/2 with casgi over TLS, and puts its WebSockets on the same connection."""

from pathlib import Path

from playwright.sync_api import Browser
from support.apps import Journal, Receive, Scope, Send, echo_websocket, read_body, respond
from support.certificates import Authority
from support.server import Serve

from casgi.tls import Certificate, TlsSettings

ECHO = """async (url) => {
    const opened = Array.from({length: 20}, () => new Promise((resolve, reject) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve(socket);
        socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
    }));
    const sockets = await Promise.all(opened);
    const answers = sockets.map((socket, number) => new Promise((resolve) => {
        socket.onmessage = (event) => resolve(event.data);
        socket.send(`hello ${number} ` + 'x'.repeat(number * 5000));
    }));
    const received = await Promise.all(answers);
    const codes = sockets.map((socket) => new Promise((resolve) => {
        socket.onclose = (event) => resolve(event.code);
        socket.close(4000);
    }));
    return [received.map((text) => text.length), await Promise.all(codes)];
}"""
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


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await echo_websocket(scope, receive, send)
    elif scope["path"].startswith("/wait"):
        while (await receive())["type"] != "http.disconnect":
            pass
    else:
        await read_body(receive)
        await respond(send, b"<title>page</title>", headers=[(b"content-type", b"text/html")])


def test_chromium(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    journal = Journal()

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add((scope["type"], scope["http_version"], scope["scheme"], scope["client"]))
        await application(scope, receive, send)

    files = Authority(tmp_path).issue("127.0.0.1")
    server = serve(noting, tls=TlsSettings((Certificate(files.certificate, files.key),)))
    host, port = server.address
    address = f"{host}:{port}"
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"https://{address}/")
    lengths, codes = page.evaluate(ECHO, f"wss://{address}/")
    assert lengths == [len(f"hello {n} ") + n * 5000 for n in range(20)]
    assert codes == [4000] * 20
    noted = journal.rest()
    client = noted[0][3]
    assert noted[0] == ("http", "2", "https", client)
    assert noted.count(("websocket", "2", "wss", client)) == 20
    assert page.evaluate(ABORT) == "<title>page</title>"
    assert {entry[3] for entry in journal.rest()} == {client}  # it was not cut
    context.close()
