"""Chromium offers permessage-deflate: it reads what casgi compresses, and casgi what it does."""

import pytest
from playwright.sync_api import Browser
from support.apps import echo_websocket
from support.server import SECURE, Serve

ECHO = """async ([url, messages]) => {
    const socket = new WebSocket(url);
    const next = () => new Promise((resolve, reject) => {
        socket.onmessage = (event) => resolve(event.data);
        socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
    });
    await new Promise((resolve) => { socket.onopen = resolve; });
    const received = [];
    for (const message of messages) {
        const answer = next();
        socket.send(message);
        received.push(await answer);
    }
    socket.onclose = null;
    socket.close();
    return [socket.extensions, received];
}"""
MESSAGES = ["short", "", "long enough to be compressed " * 20, "é😀" * 20_000, "again " * 100]


@pytest.mark.skipif(SECURE, reason="the page would have to trust the test's certificate")
@pytest.mark.parametrize("takeover", [False, True])
def test_chromium(browser: Browser, serve: Serve, takeover: bool) -> None:
    server = serve(echo_websocket, ws_deflate=True, ws_deflate_context_takeover=takeover)
    host, port = server.address
    context = browser.new_context()
    page = context.new_page()
    extensions, received = page.evaluate(ECHO, [f"ws://{host}:{port}", MESSAGES])
    context.close()
    assert received == MESSAGES
    assert extensions.startswith("permessage-deflate")
    assert ("no_context_takeover" in extensions) is not takeover
