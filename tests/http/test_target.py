"""From the request target to `path`, `raw_path`, `query_string` and `root_path`."""

from typing import Any

import pytest
from support.apps import Journal, recording_scope
from support.raw import request
from support.server import Serve


def scope_of(serve: Serve, target: str | bytes, *headers: str, **options: Any) -> dict[str, Any]:
    """Return the scope that a GET for this target makes."""
    journal = Journal()
    response = serve(recording_scope(journal), **options).get(target, *headers)
    assert response.status == 200, response.raw
    scope = journal.next()
    assert isinstance(scope, dict)
    return scope


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        ("/", "/", b"/", b""),
        ("/a/b", "/a/b", b"/a/b", b""),
        ("/a?", "/a", b"/a", b""),
        ("/a?b=c&d=%20e", "/a", b"/a", b"b=c&d=%20e"),
        ("/a?b?c", "/a", b"/a", b"b?c"),
        ("/a%20b", "/a b", b"/a%20b", b""),
        ("/a+b", "/a+b", b"/a+b", b""),
        ("/a%2Fb", "/a/b", b"/a%2Fb", b""),
        ("/a%2fb", "/a/b", b"/a%2fb", b""),
        ("/%E4%BD%A0%E5%A5%BD", "/你好", b"/%E4%BD%A0%E5%A5%BD", b""),
        ("/%F0%9F%98%80", "/😀", b"/%F0%9F%98%80", b""),
        ("/%C3%A9?%C3%A9", "/é", b"/%C3%A9", b"%C3%A9"),
        ("/a//b/../c/./", "/a//b/../c/./", b"/a//b/../c/./", b""),
        ("//host/x", "//host/x", b"//host/x", b""),
        ("/a;b=1,2/@:!$&'()*~", "/a;b=1,2/@:!$&'()*~", b"/a;b=1,2/@:!$&'()*~", b""),
        ("/100%", "/100%", b"/100%", b""),
        ("/%zz%4", "/%zz%4", b"/%zz%4", b""),
        ("/%2541", "/%41", b"/%2541", b""),
        ("/a%00b", "/a\0b", b"/a%00b", b""),
    ],
)
def test_origin_form(serve: Serve, target: str, path: str, raw_path: bytes, query: bytes) -> None:
    scope = scope_of(serve, target)
    assert scope["path"] == path
    assert scope["raw_path"] == raw_path
    assert scope["query_string"] == query


@pytest.mark.parametrize("target", ["/%ff", "/%C3", "/%E4%BD/x", "/%ED%A0%80"])
def test_escapes_that_are_not_utf_8(serve: Serve, target: str) -> None:
    """As daphne and uvicorn: replacement characters, and the truth in `raw_path`."""
    scope = scope_of(serve, target)
    assert "\ufffd" in scope["path"]
    assert scope["path"].isprintable()
    assert scope["raw_path"] == target.encode()


def test_raw_bytes_above_127(serve: Serve) -> None:
    """Not allowed in a target, and refused as by daphne and uvicorn."""
    journal = Journal()
    assert serve(recording_scope(journal)).get("/é".encode()).status == 400
    assert journal.rest() == []


def test_types(serve: Serve) -> None:
    scope = scope_of(serve, "/a?b")
    assert type(scope["path"]) is str
    assert type(scope["raw_path"]) is bytes
    assert type(scope["query_string"]) is bytes
    assert type(scope["root_path"]) is str


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://test/a/b?c", "/a/b", b"c"),
        ("http://test:8000/a", "/a", b""),
        ("http://test/", "/", b""),
        ("http://test", "/", b""),
        ("http://test?x=1", "/", b"x=1"),
        ("HTTP://test/%20", "/ ", b""),
        ("https://test/a", "/a", b""),
    ],
)
def test_absolute_form(serve: Serve, target: str, path: str, query: bytes) -> None:
    """RFC 9112, 3.2.2: a server must accept it from any client, not only from proxies."""
    scope = scope_of(serve, target)
    assert scope["path"] == path
    assert scope["query_string"] == query


def test_host_of_absolute_form(serve: Serve) -> None:
    """RFC 9112, 3.2.2: the target's host counts, whatever the Host field says."""
    journal = Journal()
    data = request("http://good.test:81/a", host="evil.test") + request("/b", host="evil.test")
    with serve(recording_scope(journal)).connect() as client:
        client.send(data)
        assert [client.read_response().status for _ in range(2)] == [200, 200]
    assert [journal.next()["headers"] for _ in range(2)] == [
        [(b"host", b"good.test:81")],
        [(b"host", b"evil.test")],
    ]


def test_asterisk_form(serve: Serve) -> None:
    journal = Journal()
    response = serve(recording_scope(journal)).exchange(request("*", method="OPTIONS"))
    assert response.status == 200
    assert journal.next()["path"] == "*"


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "*"), ("CONNECT", "example.com:443"), ("GET", "no-slash")]
)
def test_forms_that_do_not_fit_the_method(serve: Serve, method: str, target: str) -> None:
    journal = Journal()
    with serve(recording_scope(journal)).connect() as client:
        client.send(request(target, method=method))
        assert client.read_response().status in (400, 405, 501)
        client.assert_closed()
    assert journal.rest() == []


@pytest.mark.parametrize("target", ["/app/page", "/app", "/other"])
def test_root_path_does_not_change_the_path(serve: Serve, target: str) -> None:
    """`path` is what the client asked for; the application takes `root_path` off itself."""
    scope = scope_of(serve, target, root_path="/app")
    assert scope["root_path"] == "/app"
    assert scope["path"] == target
    assert scope["raw_path"] == target.encode()


def test_root_path_is_empty_by_default(serve: Serve) -> None:
    assert scope_of(serve, "/")["root_path"] == ""


@pytest.mark.parametrize(
    ("value", "root_path"), [("/mounted", "/mounted"), ("/m%20t/%C3%A9", "/m t/é"), ("", "")]
)
def test_daphne_root_path_header(serve: Serve, value: str, root_path: str) -> None:
    """It stands above the option, percent-decoded, and is not seen by the application."""
    scope = scope_of(serve, "/x", f"Daphne-Root-Path: {value}", root_path="/option")
    assert scope["root_path"] == root_path
    assert scope["path"] == "/x"
    assert b"daphne-root-path" not in [name for name, _ in scope["headers"]]


def test_long_target(serve: Serve) -> None:
    target = "/" + "a%20" * 8000
    scope = scope_of(serve, target)
    assert scope["path"] == "/" + "a " * 8000
    assert scope["raw_path"] == target.encode()


@pytest.mark.plain
def test_scheme_is_the_transports(serve: Serve) -> None:
    """Whoever says https in the target must not pass for a secure client."""
    journal = Journal()
    server = serve(recording_scope(journal))
    server.exchange(b"GET https://test/x HTTP/1.1\r\nHost: test\r\n\r\n")
    assert journal.next()["scheme"] == "http"


@pytest.mark.plain
def test_scheme_and_version(serve: Serve) -> None:
    scope = scope_of(serve, "/")
    assert scope["scheme"] == "http"
    assert scope["http_version"] == "1.1"
    assert scope["method"] == "GET"


def test_version_1_0(serve: Serve) -> None:
    journal = Journal()
    serve(recording_scope(journal)).exchange(request(version="1.0", host=None))
    assert journal.next()["http_version"] == "1.0"
