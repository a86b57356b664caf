"""Checks that need a server of their own: its options, and its end."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from check import answer, framing
from checks_handshake import scope_of
from site_process import ORIGIN, Site, new_key
from support.raw import RawClient, request
from support.ws import PING, PONG, WebSocketClient, upgrade

Start = Callable[..., AbstractContextManager[Site]]
CHECKS: dict[str, Callable[[Start], Any]] = {}


def check(ask: Callable[[Start], Any]) -> Callable[[Start], Any]:
    """Register a check under its function's name."""
    CHECKS[ask.__name__] = ask
    return ask


def answer_ping(client: WebSocketClient) -> bool:
    """Answer the next frame; return whether it is a ping."""
    frame = client.read_frame()
    client.send_frame(PONG, frame.payload)
    return frame.opcode == PING


@check
def pings(start: Start) -> Any:
    """A ping comes; who answers stays, who does not is dropped and told as 1006."""
    key = new_key()
    with start("--ping-interval", "1", "--ping-timeout", "3") as site:
        answering = site.websocket("/ws/echo/")
        silent = site.websocket(f"/ws/echo/?key={key}")
        with answering, silent:
            seen = [answer_ping(answering) for _ in range(2)]
            entries: list[Any] = []
            for _ in range(30):
                if entries := site.journal(key, patience=0):
                    break
                answer_ping(answering)
            answering.send_text("still here")
            return seen, entries, answering.read_text()


@check
def root_path(start: Start) -> Any:
    with start("--root-path", "/below") as site:
        got = json.loads(site.get("/below/consumer/scope/").body or b"{}")
        return got.get("root_path"), got.get("path")


@check
def root_path_by_header(start: Start) -> Any:
    with start() as site:
        header = "Daphne-Root-Path: /by%20header"
        got = json.loads(site.get("/by%20header/consumer/scope/", header).body)
        names = [pair[1] for pair in got["headers"][1:]]
        web = scope_of(site, "/by%20header/ws/scope/", header)
        return got["root_path"], got["path"], names, web.get("root_path"), web["path"]


PROXIED = ["X-Forwarded-For: 192.0.2.1, 198.51.100.2", "X-Forwarded-Port: 1234"]


@check
def proxy_headers(start: Start) -> Any:
    """A consumer, a view and a WebSocket have the client's address and scheme."""
    with start("--proxy-headers") as site:
        headers = [*PROXIED, "X-Forwarded-Proto: https"]
        got = json.loads(site.get("/consumer/scope/", *headers).body)
        web = scope_of(site, "/ws/scope/", *headers)
        return got["client"][1:], got["scheme"], web["client"]


@check
def proxy_headers_of_other_names(start: Start) -> Any:
    names = ["--proxy-headers-host", "X-Real-IP", "--proxy-headers-port", "X-Real-Port"]
    with start("--proxy-headers", *names) as site:
        headers = [*PROXIED, "X-Real-IP: 2001:db8::1", "X-Real-Port: 77"]
        got = json.loads(site.get("/consumer/scope/", *headers).body)
        return got["client"][1:], scope_of(site, "/ws/scope/", *headers)["client"]


@check
def proxy_headers_that_are_off(start: Start) -> Any:
    with start() as site:
        got = json.loads(site.get("/consumer/scope/", *PROXIED).body)
        return got["client"][1], got["scheme"], scope_of(site, "/ws/scope/", *PROXIED)["client"]


@check
def endpoints(start: Start) -> Any:
    """Another address beside that of -b and -p."""
    with TemporaryDirectory() as folder, start("-e", f"unix:{folder}/a\\:b:mode=600") as site:
        path = Path(folder, "a:b")
        asked = site.get("/hello/").body  # daphne accepts before it listens everywhere
        mode = stat.S_IMODE(path.stat().st_mode)
        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(str(path))
            client = RawClient(connected)
            client.send(request("/hello/"))
            return mode, client.read_response().body, asked


@check
def server_name(start: Start) -> Any:
    with start("--server-name", "tests") as site:
        return site.get("/hello/").header(b"server")


@check
def http_timeout(start: Start) -> Any:
    with start("--http-timeout", "1") as site:
        got = site.get(f"/slow/{new_key()}/")
        return got.status, b"failed to respond within time limit" in got.body


@check
def websocket_connect_timeout(start: Start) -> Any:
    key = new_key()
    with start("--websocket_connect_timeout", "1") as site, site.websocket_connect() as client:
        client.send(upgrade(f"/ws/connecting/nothing/?key={key}", headers=[ORIGIN]))
        return client.read_to_end()[:12], site.journal(key, 2)


@check
def websocket_lifetime(start: Start) -> Any:
    key = new_key()
    with start("--websocket_timeout", "1") as site, site.websocket(f"/ws/echo/?key={key}") as one:
        closed = one.read_close()
        one.send_close(1000)
        return closed, site.journal(key)


def left(start: Start, route: str) -> Any:
    """Return what a consumer that never receives notes of its client's leaving."""
    key = new_key()
    with start("--application-close-timeout", "1") as site:
        with site.connect() as client:
            client.send(request(f"/consumer/{route}/?key={key}"))
            client.read_until(b"tick")
        return site.journal(key)


@check
def sleeping_consumer_is_cancelled(start: Start) -> Any:
    return left(start, "sleeping")


@check
def sending_consumer_is_ended(start: Start) -> Any:
    return left(start, "stubborn")


def cut(start: Start, target: str) -> Any:
    """Return how a response ends whose application fails behind its start."""
    with start() as site, site.connect() as client:
        client.send(request(target))
        begun = client.read_until(b"\r\n")
        client.read_until(b"\r\n\r\n")
        while not site.leaves_silent(client) and client.buffer:
            rest = client.read_exactly(len(client.buffer))
            if rest.endswith(b"0\r\n\r\n"):
                return begun, "complete"
        return begun, "open" if client.is_silent(0.1) else "cut"


@check
def crash_in_a_stream(start: Start) -> Any:
    return cut(start, "/stream-crash/")


@check
def crash_in_a_consumer(start: Start) -> Any:
    return cut(start, "/consumer/broken/")


@check
def consumer_without_an_answer(start: Start) -> Any:
    with start() as site, site.connect() as client:
        client.send(request("/consumer/silent/"))
        return "open" if site.leaves_silent(client) else client.read_response().status


@check
def access_log(start: Start) -> Any:
    """The lines, without what is anybody's own: address, time, size of Django's pages."""
    with TemporaryDirectory() as folder, start("--access-log", f"{folder}/log") as site:
        site.get("/hello/?a=%20b")
        site.ask(request("/hello/", method="HEAD"), "HEAD")
        site.get("/nowhere/")
        with site.websocket("/ws/echo/?a=b") as client:
            client.finish()
        with site.websocket_connect() as client:
            client.send(upgrade("/ws/connecting/reject/", headers=[ORIGIN]))
            client.read_response()
        site.stop()
        lines = Path(folder, "log").read_text().splitlines()
        return [line.partition("] ")[2] for line in lines]


@check
def shutdown_with_open_sockets(start: Start) -> Any:
    """SIGTERM while sockets idle, a stream runs and a connection is kept: all end in time."""
    with start("--application-close-timeout", "2") as site:
        idle, stream, kept = site.websocket("/ws/echo/"), site.connect(), site.connect()
        with idle, stream, kept:
            stream.send(request("/stream-endless/never/"))
            stream.read_until(b"data: 1")
            kept.send(request("/hello/"))
            kept.read_response()
            took = site.stop()
            return idle.read_to_end(), took < 15, site.exit_code


@check
def shutdown_when_nothing_is_open(start: Start) -> Any:
    with start() as site:
        site.get("/hello/", "Connection: close")  # daphne accepts before it heeds signals
        return site.stop() < 8, site.exit_code


@check
def requests_after_a_crash(start: Start) -> Any:
    """Nothing that an application does wrong stops the server."""
    with start() as site:
        site.get("/crash-async/")
        site.ask(upgrade("/ws/connecting/crash/", headers=[ORIGIN]))
        got = site.get("/hello/", "Connection: close")
        return answer(got), framing(got)["connection"]
