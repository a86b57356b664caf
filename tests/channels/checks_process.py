"""Checks that need a server of their own: its options, and its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from check import answer, framing
from checks_websocket import scope_of
from site_process import ORIGIN, Site, new_key
from support.raw import request
from support.ws import PING, PONG, upgrade

Start = Callable[..., AbstractContextManager[Site]]
CHECKS: dict[str, Callable[[Start], Any]] = {}


def check(ask: Callable[[Start], Any]) -> Callable[[Start], Any]:
    """Register a check under its function's name."""
    CHECKS[ask.__name__] = ask
    return ask


@check
def pings(start: Start) -> Any:
    """A ping comes; who answers stays, who does not is dropped and told as 1006."""
    key = new_key()
    with start("--ping-interval", "1", "--ping-timeout", "1") as site:
        answering = site.websocket("/ws/echo/")
        silent = site.websocket(f"/ws/echo/?key={key}")
        with answering, silent:
            seen = []
            for _ in range(2):
                frame = answering.read_frame()
                seen.append(frame.opcode == PING)
                answering.send_frame(PONG, frame.payload)
            entries = site.journal(key)
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
        got = json.loads(site.get("/consumer/scope/", header).body)
        names = [pair[1] for pair in got["headers"][1:]]
        web = scope_of(site, "/ws/scope/", header)
        return got["root_path"], got["path"], names, web.get("root_path"), web["path"]


@check
def server_name(start: Start) -> Any:
    with start("--server-name", "tests") as site:
        return site.get("/hello/").header(b"server")


@check
def http_timeout(start: Start) -> Any:
    with start("--http-timeout", "1") as site:
        return answer(site.get(f"/slow/{new_key()}/"))


@check
def websocket_connect_timeout(start: Start) -> Any:
    key = new_key()
    with start("--websocket_connect_timeout", "1") as site, site.websocket_connect() as client:
        client.send(upgrade(f"/ws/connecting/nothing/?key={key}", headers=[ORIGIN]))
        return client.read_response().status, site.journal(key, 2)


@check
def websocket_lifetime(start: Start) -> Any:
    key = new_key()
    with start("--websocket_timeout", "1") as site, site.websocket(f"/ws/echo/?key={key}") as one:
        closed = one.read_close()
        one.send_close(1000)
        return closed, site.journal(key)


@check
def stubborn_consumer_is_cancelled(start: Start) -> Any:
    key = new_key()
    with start("--application-close-timeout", "1") as site:
        with site.connect() as client:
            client.send(request(f"/consumer/stubborn/?key={key}"))
            client.read_until(b"tick")
        return site.journal(key)


@check
def access_log(start: Start) -> Any:
    """The lines, without what is anybody's own: address, time, size of Django's pages."""
    with start("--access-log", "/dev/stderr", "-v", "1") as site:
        site.get("/hello/?a=%20b")
        site.ask(request("/hello/", method="HEAD"), "HEAD")
        site.get("/nowhere/")
        with site.websocket("/ws/echo/?a=b") as client:
            client.finish()
        with site.websocket_connect() as client:
            client.send(upgrade("/ws/connecting/reject/", headers=[ORIGIN]))
            client.read_response()
        site.stop()
        lines = [line for line in site.complaints().splitlines() if '] "' in line]
        return [line.split('] "')[1] for line in lines]


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
            return idle.read_to_end(), took < 6, site.process.returncode


@check
def shutdown_when_nothing_is_open(start: Start) -> Any:
    with start() as site:
        return site.stop() < 3, site.process.returncode


@check
def requests_after_a_crash(start: Start) -> Any:
    """Nothing that an application does wrong stops the server."""
    with start() as site:
        for _ in range(3):
            site.get("/crash-async/")
            site.ask(upgrade("/ws/connecting/crash/", headers=[ORIGIN]))
        begun = time.monotonic()
        got = site.get("/hello/", "Connection: close")
        return answer(got), framing(got)["connection"], time.monotonic() - begun < 5
