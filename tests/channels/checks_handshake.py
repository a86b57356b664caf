"""Checks of WebSocket handshakes: what is accepted, refused, and what the scope says."""

from __future__ import annotations

import json
from typing import Any

from check import Checks
from site_process import ORIGIN, Site, new_key
from support.raw import request
from support.ws import TEXT, encode_frame, upgrade

CHECKS = Checks()
check = CHECKS.add
BEYOND = ("scheme", "http_version", "extensions")


def refused(site: Site, data: bytes) -> Any:
    """Return the status that answers a handshake."""
    return site.first_line(data)[:12]


@check
def handshake(site: Site) -> Any:
    with site.websocket_connect() as client:
        got = client.handshake("/ws/echo/", headers=[ORIGIN])
    return got.status, sorted(
        (name.lower(), value.lower())
        for name, value in got.headers
        if name.lower() not in (b"server", b"date")
    )


@check
def frames_with_the_handshake(site: Site) -> Any:
    with site.websocket_connect() as client:
        early = encode_frame(TEXT, b"early") + encode_frame(TEXT, b"bird")
        client.send(upgrade("/ws/echo/", headers=[ORIGIN]) + early)
        client.read_accept()
        return "lost" if site.leaves_silent(client) else (client.read_text(), client.read_text())


@check
def accept_that_waits(site: Site) -> Any:
    with site.websocket("/ws/connecting/slow/") as client:
        client.send_text("x")
        return client.read_text()


@check
def handshake_behind_a_request(site: Site) -> Any:
    with site.websocket_connect() as client:
        client.send(request("/hello/") + upgrade("/ws/echo/", headers=[ORIGIN]))
        first = client.read_response().body
        client.read_accept()
        client.send_text("x")
        return first, client.read_text()


@check
def handshake_in_single_bytes(site: Site) -> Any:
    with site.websocket_connect() as client:
        client.dribble(upgrade("/ws/echo/", headers=[ORIGIN]))
        client.read_accept()
        client.send_text("x")
        return client.read_text()


@check
def handshake_tokens_in_lists(site: Site) -> Any:
    headers = [ORIGIN, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket"]
    with site.websocket_connect() as client:
        client.send(upgrade("/ws/echo/", headers=headers, without=["Connection", "Upgrade"]))
        return client.read_accept().status


@check
def handshake_without_key(site: Site) -> Any:
    return refused(site, upgrade("/ws/echo/", headers=[ORIGIN], without=["Sec-WebSocket-Key"]))


@check
def handshake_of_wrong_version(site: Site) -> Any:
    headers = [ORIGIN, "Sec-WebSocket-Version: 12"]
    data = upgrade("/ws/echo/", headers=headers, without=["Sec-WebSocket-Version"])
    return refused(site, data)


@check
def origin_of_elsewhere(site: Site) -> Any:
    return refused(site, upgrade("/ws/echo/", headers=["Origin: http://elsewhere"]))


@check
def origin_missing(site: Site) -> Any:
    return refused(site, upgrade("/ws/echo/"))


@check
def unknown_route(site: Site) -> Any:
    return refused(site, upgrade("/ws/nowhere/", headers=[ORIGIN]))


def connecting(name: str, what: str, *headers: str) -> None:
    """Register the check of a handshake that is refused."""

    def ask(site: Site) -> Any:
        return refused(site, upgrade(f"/ws/connecting/{what}/", headers=[ORIGIN, *headers]))

    ask.__name__ = name
    check(ask)


connecting("reject", "reject")
connecting("reject_with_a_code", "reject_with_code")
connecting("reject_by_exception", "deny")
connecting("crash_in_connect", "crash")


@check
def disconnect_after_reject(site: Site) -> Any:
    key = new_key()
    refused(site, upgrade(f"/ws/connecting/reject/?key={key}", headers=[ORIGIN]))
    return site.journal(key)


@check
def accept_by_exception(site: Site) -> Any:
    with site.websocket("/ws/connecting/accept_by_exception/") as client:
        client.send_text("x")
        return client.read_text()


@check
def sends_behind_accept(site: Site) -> Any:
    with site.websocket("/ws/connecting/accept_and_send/") as client:
        return client.read_text(), client.read_binary()


@check
def close_behind_accept(site: Site) -> Any:
    key = new_key()
    with site.websocket(f"/ws/connecting/accept_and_close/?key={key}") as client:
        closed = client.read_close()
        client.send_close(closed[0])
        client.assert_closed()
    return closed, site.journal(key)


@check
def crash_behind_accept(site: Site) -> Any:
    with site.websocket("/ws/connecting/accept_and_crash/") as client:
        return client.read_close()


@check
def leaving_before_accept(site: Site) -> Any:
    key = new_key()
    with site.websocket_connect() as client:
        client.send(upgrade(f"/ws/connecting/nothing/?key={key}", headers=[ORIGIN]))
        site.journal(key)
    return site.journal(key, 2)


@check
def subprotocol(site: Site) -> Any:
    header = "Sec-WebSocket-Protocol: chat.v1, chat.v2"
    with site.websocket_connect() as client:
        got = client.handshake("/ws/connecting/subprotocol/", headers=[ORIGIN, header])
        client.send_text("x")
        return got.header(b"sec-websocket-protocol"), client.read_text()


@check
def subprotocol_not_chosen(site: Site) -> Any:
    with site.websocket_connect() as client:
        header = "Sec-WebSocket-Protocol: chat"
        got = client.handshake("/ws/echo/", headers=[ORIGIN, header])
        return got.header(b"sec-websocket-protocol")


@check
def accept_headers(site: Site) -> Any:
    with site.websocket_connect() as client:
        got = client.handshake("/ws/connecting/headers/", headers=[ORIGIN])
        return got.header(b"x-accepted"), got.header(b"set-cookie")


def scope_of(site: Site, target: str, *headers: str) -> dict[str, Any]:
    with site.websocket(target, *headers) as client:
        scope: dict[str, Any] = json.loads(client.read_text())
    scope["client"] = scope["client"][1]
    scope["server"] = scope["server"][1], scope["server"][2] == site.port
    return scope


@check
def scope(site: Site) -> Any:
    got = scope_of(site, "/ws/scope/?a=%C3%A4&b", "X-One: 1", "X_Forged: yes")
    got["headers"] = sorted(map(str, got["headers"]))
    got["asgi"] = got["asgi"]["version"]
    return {key: value for key, value in got.items() if key not in BEYOND}


@check
def scope_beyond_daphne(site: Site) -> Any:
    got = scope_of(site, "/ws/scope/")
    return [got.get(key) for key in BEYOND[:2]], got["asgi"].get("spec_version")


@check
def scope_of_repeated_headers(site: Site) -> Any:
    got = scope_of(site, "/ws/scope/", "X-One: 1", "X-One: 2")
    return [pair for pair in got["headers"][1:] if pair[1] == "b:x-one"]


@check
def scope_path(site: Site) -> Any:
    got = scope_of(site, "/ws/scope/a%20b%2F%C3%A4/%25")
    return got["path"], got.get("root_path"), got["url_route"]


@check
def scope_subprotocols(site: Site) -> Any:
    got = scope_of(site, "/ws/scope/", "Sec-WebSocket-Protocol: a, b,c")
    return got["subprotocols"]


@check
def visitor(site: Site) -> Any:
    cookie = ""
    answers = []
    for target in ("/counter/", "/sign-in/?user=bob&password=builder"):
        with site.websocket("/ws/visitor/", f"Cookie: {cookie}") as client:
            answers.append(client.read_text())
        for value in site.get(target, f"Cookie: {cookie}").all(b"set-cookie"):
            cookie = value.split(b";")[0].decode()
    with site.websocket("/ws/visitor/", f"Cookie: {cookie}") as client:
        return [*answers, client.read_text()]


@check
def database(site: Site) -> Any:
    answers = []
    for route in ("database", "sync-database"):
        with site.websocket(f"/ws/{route}/") as client:
            for _ in range(20):
                client.send_text("?")
                answers.append(client.read_text())
    return answers
