"""The scope, as ASGI 3.0 wants it: HTTP as of 2.3, WebSocket as of 2.5."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.apps import Application, Journal, Receive, Scope, Send, respond
from support.raw import request
from support.server import Serve
from support.ws import upgrade

HTTP_KEYS = {
    *["type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string"],
    *["root_path", "headers", "client", "server"],
}
WEBSOCKET_KEYS = HTTP_KEYS - {"method"} | {"subprotocols"}
OPTIONAL_KEYS = {"state", "extensions"}


def noting(journal: Journal) -> Application:
    """Return an application for both protocols that notes its scope."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        if scope["type"] == "http":
            await respond(send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    return application


def scope_of(serve: Serve, kind: str, **options: Any) -> Scope:
    """Return the scope of a request or a handshake."""
    journal = Journal()
    data = request("/a?b") if kind == "http" else upgrade("/a?b")
    with serve(noting(journal), **options).connect() as client:
        client.send(data)
        client.read_head()
    scope = journal.next()
    assert isinstance(scope, dict)
    return scope


both = pytest.mark.parametrize("kind", ["http", "websocket"])


@both
def test_keys(serve: Serve, kind: str) -> None:
    keys = set(scope_of(serve, kind))
    wanted = HTTP_KEYS if kind == "http" else WEBSOCKET_KEYS
    assert wanted <= keys <= wanted | OPTIONAL_KEYS


@both
def test_versions(serve: Serve, kind: str) -> None:
    spec = "2.5" if kind == "websocket" else "2.3"
    assert scope_of(serve, kind)["asgi"] == {"version": "3.0", "spec_version": spec}


def test_http_types(serve: Serve) -> None:
    scope = scope_of(serve, "http")
    assert scope["type"] == "http"
    assert (scope["method"], scope["http_version"], scope["scheme"]) == ("GET", "1.1", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a", b"/a", b"b")
    assert scope["root_path"] == ""


def test_websocket_types(serve: Serve) -> None:
    scope = scope_of(serve, "websocket")
    assert scope["type"] == "websocket"
    assert (scope["http_version"], scope["scheme"]) == ("1.1", "ws")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a", b"/a", b"b")
    assert scope["root_path"] == ""
    assert list(scope["subprotocols"]) == []
    assert "websocket.http.response" in scope["extensions"]


@both
def test_headers(serve: Serve, kind: str) -> None:
    for pair in scope_of(serve, kind)["headers"]:
        name, value = pair
        assert type(name) is bytes and name == name.lower()
        assert type(value) is bytes


@both
def test_target_and_headers_mean_the_same_for_both(serve: Serve, kind: str) -> None:
    """What test_target and test_strict_head say of requests holds for handshakes."""
    journal = Journal()
    lines = ["Daphne-Root-Path: /a%20pp", "X_Dropped: 1", "X-Kept:\t1\t", "X-Kept: 2"]
    make = request if kind == "http" else upgrade
    with serve(noting(journal), root_path="/option").connect() as client:
        client.send(make("/%E4%BD%A0?x=%20", headers=lines))
        client.read_head()
    scope = journal.next()
    assert (scope["path"], scope["raw_path"]) == ("/你", b"/%E4%BD%A0")
    assert scope["query_string"] == b"x=%20"
    assert scope["root_path"] == "/a pp"
    names = [name for name, _ in scope["headers"]]
    assert b"daphne-root-path" not in names
    assert b"x_dropped" not in names
    assert [value for name, value in scope["headers"] if name == b"x-kept"] == [b"1", b"2"]


@both
def test_keys_and_types_are_exactly_str(serve: Serve, kind: str) -> None:
    scope = scope_of(serve, kind)
    assert all(type(key) is str for key in scope)
    for key in ("type", "http_version", "scheme", "path", "root_path"):
        assert type(scope[key]) is str


@both
def test_no_state_without_lifespan(serve: Serve, kind: str) -> None:
    assert "state" not in scope_of(serve, kind, state=None)


@both
def test_state_is_copied_for_each_scope(serve: Serve, kind: str) -> None:
    """Shallow, as the lifespan specification says: the values are shared, the dict is not."""
    pool: list[str] = []
    state = {"pool": pool}
    journal = Journal()
    server = serve(noting(journal), state=state)
    scopes = []
    for _ in range(2):
        with server.connect() as client:
            client.send(request() if kind == "http" else upgrade())
            client.read_head()
        scopes.append(journal.next())
        scopes[-1]["state"]["mine"] = len(scopes)
    assert state == {"pool": pool}
    assert [scope["state"]["mine"] for scope in scopes] == [1, 2]
    assert all(scope["state"]["pool"] is pool for scope in scopes)


def test_state_changed_while_serving(serve: Serve) -> None:
    """The next scope sees what the server's own dict holds then."""
    state: dict[str, int] = {"count": 1}
    journal = Journal()
    server = serve(noting(journal), state=state)
    server.get()
    state["count"] = 2
    server.get()
    assert [journal.next()["state"]["count"] for _ in range(2)] == [1, 2]


def test_scope_is_new_for_each_request_of_a_connection(serve: Serve) -> None:
    """An application may write into it, as middleware does; the next one sees nothing of that."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add([set(scope), set(scope["asgi"]), set(scope.get("extensions", ()))])
        scope["user"] = "alice"
        scope["headers"].append((b"x-added", b"1"))
        scope["asgi"]["added"] = "1"
        if "extensions" in scope:
            scope["extensions"]["added"] = {}
        journal.add(scope)
        await respond(send)

    with serve(application).connect() as client:
        client.send(request() * 3)
        for _ in range(3):
            assert client.read_response().status == 200
    entries = [journal.next() for _ in range(6)]
    assert entries[0] == entries[2] == entries[4]
    assert len({id(scope) for scope in entries[1::2]}) == 3
    for scope in entries[1::2]:
        assert list(map(tuple, scope["headers"])) == [(b"host", b"test"), (b"x-added", b"1")]


def _with_another_key(part: dict[str, Any]) -> object:
    part["added"] = {}
    return None


def _with_one_key_less(part: dict[str, Any]) -> object:
    part.popitem()
    return None


def _with_another_value(part: dict[str, Any]) -> object:
    part[next(iter(part))] = "other"
    return None


def _in_another_order(part: dict[str, Any]) -> object:
    first = next(iter(part))
    part[first] = part.pop(first)
    return None


def _empty(part: dict[str, Any]) -> object:
    part.clear()
    return None


def _with_values_of_their_own(part: dict[str, Any]) -> object:
    for value in part.values():
        if isinstance(value, dict):
            value["mine"] = "secret"
    return None


def _kept(part: dict[str, Any]) -> object:
    return part


def _values_kept(part: dict[str, Any]) -> object:
    return list(part.values())


def _in_a_cycle(part: dict[str, Any]) -> object:
    part["itself"] = part
    return None


@both
@pytest.mark.parametrize("part", ["asgi", "extensions"])
@pytest.mark.parametrize(
    "change",
    [
        *[_with_another_key, _with_one_key_less, _with_another_value, _in_another_order, _empty],
        *[_with_values_of_their_own, _kept, _values_kept, _in_a_cycle],
    ],
)
def test_parts_of_a_scope_are_of_one_scope(
    serve: Serve, kind: str, part: str, change: Callable[[dict[str, Any]], object]
) -> None:
    """What one application does to them, or keeps of them, no other ever meets."""
    journal = Journal()
    kept: list[object] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(json.dumps(scope[part]))
        kept.append(change(scope[part]))
        if scope["type"] == "http":
            await respond(send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    server = serve(application)
    data = request("/a?b") if kind == "http" else upgrade("/a?b")
    for _ in range(3):
        with server.connect() as client:
            client.send(data)
            client.read_head()
    server.stop()
    texts = journal.rest()
    assert texts == [texts[0]] * 3
    parts = [each for one in kept for each in (one if isinstance(one, list) else [one])]
    dicts = [each for each in parts if isinstance(each, dict)]
    assert len({id(each) for each in dicts}) == len(dicts)  # All are there still.


def test_scope_can_be_copied_and_kept(serve: Serve) -> None:
    """Middleware passes on `dict(scope, ...)`; the original may be gone long before."""
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(dict(scope, path="/other", headers=[*scope["headers"]]))
        await respond(send)

    server = serve(application)
    server.get("/kept")
    server.stop()
    scope = journal.next()
    assert scope["path"] == "/other"
    assert scope["raw_path"] == b"/kept"
