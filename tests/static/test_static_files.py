"""--static: files served in C, before the application."""

import asyncio
import contextlib
import gzip
import os
import random
import re
import resource
import socket
from pathlib import Path
from typing import Any

import pytest
from support.apps import Receive, Scope, Send, respond
from support.raw import Response, request
from support.server import LiveServer, Serve

from casgi import _core

CONTENTS = random.Random(3).randbytes(300_000)
HOUR = 3600


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, b"application " + scope["path"].encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("static")
    (top / "secret").write_text("secret")
    files = top / "files"
    (files / "css").mkdir(parents=True)
    (files / "large.bin").write_bytes(CONTENTS)
    (files / "small.txt").write_text("0123456789")
    (files / "empty.txt").write_text("")
    (files / "a b\N{LATIN SMALL LETTER A WITH DIAERESIS}.txt").write_text("named")
    (files / "css" / "app.55e7cbb9ba48.css").write_text("hashed")
    (files / "css" / "page.css").write_text("plain")
    for ending, text in ((".br", "brotli"), (".gz", "gzip"), (".zst", "zstd")):
        (files / "css" / f"page.css{ending}").write_text(text)
    (files / "old.js").write_text("new contents")
    (files / "old.js.gz").write_bytes(gzip.compress(b"old contents"))
    os.utime(files / "old.js.gz", (1, 1))
    os.utime(files / "small.txt", (784111777, 784111777))
    (files / ".hidden").write_text("secret")
    (files / ".git").mkdir()
    (files / ".git" / "config").write_text("secret")
    (files / "link").symlink_to(top / "secret")
    (files / "inner-link").symlink_to("small.txt")
    (files / "up").symlink_to("..")
    os.mkfifo(files / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(files / "socket"))
    second = top / "second"
    second.mkdir()
    (second / "small.txt").write_text("second")
    (second / "only-here.txt").write_text("only here")
    return top


@pytest.fixture
def site(serve: Serve, folder: Path) -> LiveServer:
    mounts = [
        ("/static/", str(folder / "files"), False),
        ("/static/", str(folder / "second"), False),
        ("/static/deep/er/", str(folder / "second"), False),
        ("/assets/", str(folder / "second"), True),
    ]
    return serve(application, static_files=mounts)


def ask(site: LiveServer, target: str | bytes, *headers: str, method: str = "GET") -> Response:
    """Return the response, behind which the connection must still be in order."""
    with site.connect() as client:
        client.send(request(target, headers=headers, method=method) + request("/after"))
        response = client.read_response(method)
        assert client.read_response().body == b"application /after"
        return response


# --- A file ---


def test_a_file(site: LiveServer) -> None:
    response = ask(site, "/static/large.bin")
    assert (response.status, response.body) == (200, CONTENTS)
    assert response.header(b"content-length") == b"300000"
    assert response.header(b"content-type") == b"application/octet-stream"
    assert response.header(b"x-content-type-options") == b"nosniff"
    assert response.header(b"accept-ranges") == b"bytes"
    assert response.header(b"vary") == b"accept-encoding"
    assert response.header(b"cache-control") == b"public, max-age=60"
    assert re.fullmatch(rb'"[-.0-9a-f]+"', response.header(b"etag") or b"")
    assert response.header(b"transfer-encoding") is None


def test_small_and_empty_ones(site: LiveServer) -> None:
    response = ask(site, "/static/small.txt")
    assert response.body == b"0123456789"
    assert response.header(b"content-type") == b"text/plain; charset=utf-8"
    assert response.header(b"last-modified") == b"Sun, 06 Nov 1994 08:49:37 GMT"
    empty = ask(site, "/static/empty.txt")
    assert (empty.status, empty.header(b"content-length")) == (200, b"0")


def test_the_query_is_not_looked_at(site: LiveServer) -> None:
    assert ask(site, "/static/small.txt?v=1&a=../x").body == b"0123456789"


def test_an_absolute_target(site: LiveServer) -> None:
    assert ask(site, "http://test/static/small.txt").body == b"0123456789"


def test_percent_encoding(site: LiveServer) -> None:
    assert ask(site, "/static/a%20b%C3%A4.txt").body == b"named"
    assert ask(site, "/static/%73mall.txt").body == b"0123456789"
    assert ask(site, "/static/css%2Fpage.css").status == 404


def test_head(site: LiveServer) -> None:
    for target, size in (("large.bin", b"300000"), ("small.txt", b"10")):
        response = ask(site, f"/static/{target}", "Range: bytes=0-1", method="HEAD")
        assert (response.status, response.header(b"content-length")) == (200, size)


def test_http_1_0(site: LiveServer) -> None:
    response = site.exchange(request("/static/large.bin", version="1.0"))
    assert (response.version, response.body) == (b"HTTP/1.0", CONTENTS)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"])
def test_other_methods(site: LiveServer, method: str) -> None:
    response = ask(site, "/static/small.txt", "Content-Length: 0", method=method)
    assert (response.status, response.header(b"allow")) == (405, b"GET, HEAD")


def test_a_body_that_nobody_wants(site: LiveServer) -> None:
    with site.connect() as client:
        client.send(request("/static/small.txt", method="POST", body=b"x" * 1000))
        client.send(request("/static/small.txt", body=b"y" * 1000) + request("/after"))
        assert client.read_response().status == 405
        assert client.read_response().body == b"0123456789"
        assert client.read_response().body == b"application /after"


def test_many_on_one_connection(site: LiveServer) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with site.connect() as client:
        client.send((request("/static/large.bin") + request("/static/small.txt")) * 50)
        for _ in range(50):
            assert client.read_response().body == CONTENTS
            assert client.read_response().body == b"0123456789"
        assert len(os.listdir("/proc/self/fd")) < before + 10


def test_byte_by_byte(site: LiveServer) -> None:
    with site.connect() as client:
        client.dribble(request("/static/small.txt", headers=["Range: bytes=1-2"]) * 2)
        assert client.read_response().body == b"12"
        assert client.read_response().body == b"12"


# --- Whose request it is ---


def test_what_is_the_applications(site: LiveServer) -> None:
    for target in ("/", "/static", "/staticx/small.txt", "/assets/none.txt", "/Static/small.txt"):
        assert ask(site, target).body == b"application " + target.encode()
    assert ask(site, "*", method="OPTIONS").status == 200


def test_several_folders(site: LiveServer) -> None:
    assert ask(site, "/static/only-here.txt").body == b"only here"
    assert ask(site, "/static/small.txt").body == b"0123456789"
    assert ask(site, "/assets/small.txt").body == b"second"


def test_the_longest_url_decides(site: LiveServer) -> None:
    assert ask(site, "/static/deep/er/small.txt").body == b"second"
    assert ask(site, "/static/deep/er/large.bin").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "none.txt",
        "",
        "css",
        "css/",
        "small.txt/",
        "small.txt/x",
        "/small.txt",
        "css//page.css",
        "../secret",
        "css/../../secret",
        "css/../small.txt",
        "./small.txt",
        "%2e%2e/secret",
        "%2E%2E%2Fsecret",
        "..%2fsecret",
        "%252e%252e/secret",
        "..%5csecret",
        "..\\secret",
        "..;/secret",
        "css/%2e%2e/%2e%2e/secret",
        "%c0%ae%c0%ae/secret",
        ".hidden",
        "%2ehidden",
        ".git/config",
        "css/../.hidden",
        "link",
        "inner-link",
        "up/secret",
        "up/files/small.txt",
        "fifo",
        "socket",
        "small.txt%00",
        "small.txt%00.css",
        "%00",
        "small%0d%0a.txt",
        "small%2",
        "small%zz.txt",
        "small%",
        "a" * 300,
        "a/" * 1500 + "a",
        "%61" * 3000,
    ],
)
def test_what_is_not_there(site: LiveServer, path: str) -> None:
    response = ask(site, f"/static/{path}")
    assert response.status == 404, response.body
    assert b"secret" not in response.body


def test_without_descriptors_a_file_is_not_said_to_be_missing(serve: Serve, folder: Path) -> None:
    """Caches keep a 404, and under "/" the application would be asked."""
    server = serve(application, static_files=[("/", str(folder / "files"), True)])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with server.connect() as client:
        client.send(request("/small.txt"))
        assert client.read_response().body == b"0123456789"
        taken = [os.dup(0)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, hard))
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            client.send(request("/small.txt"))
            assert client.read_response().status == 503
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)
        client.send(request("/small.txt"))
        assert client.read_response().body == b"0123456789"


# --- Conditions and ranges ---


def test_conditions(site: LiveServer) -> None:
    whole = ask(site, "/static/small.txt")
    tag, date = (whole.header(name) or b"" for name in (b"etag", b"last-modified"))
    same = ask(site, "/static/small.txt", f"If-None-Match: {tag.decode()}")
    assert (same.status, same.body) == (304, b"")
    for name in (b"etag", b"cache-control", b"vary", b"last-modified"):
        assert same.header(name) == whole.header(name)
    assert same.header(b"content-type") is None
    day = date.decode()
    expected = {
        f"If-None-Match: W/{tag.decode()}": 304,
        'If-None-Match: "other"': 200,
        f'If-None-Match: "a", {tag.decode()}': 304,
        f"If-Modified-Since: {day}": 304,
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT": 200,
        f"If-Match: {tag.decode()}": 200,
        'If-Match: "other"': 412,
        f"If-Unmodified-Since: {day}": 200,
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT": 412,
    }
    for header, status in expected.items():
        assert ask(site, "/static/small.txt", header).status == status, header
        assert ask(site, "/static/small.txt", header, method="HEAD").status == status, header
    both = ask(site, "/static/small.txt", 'If-None-Match: "other"', f"If-Modified-Since: {day}")
    assert both.status == 200


def test_a_file_that_changes_has_another_tag(folder: Path, site: LiveServer) -> None:
    path = folder / "files" / "changing.txt"
    path.write_text("one")
    first = ask(site, "/static/changing.txt").header(b"etag")
    path.write_text("two")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert ask(site, "/static/changing.txt").header(b"etag") != first


@pytest.mark.parametrize(
    ("value", "status", "part", "content_range"),
    [
        ("bytes=0-0", 206, b"0", b"bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", b"bytes 2-4/10"),
        ("bytes=7-", 206, b"789", b"bytes 7-9/10"),
        ("bytes=-2", 206, b"89", b"bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", b"bytes 0-9/10"),
        ("bytes=5-99999999999999999999", 206, b"56789", b"bytes 5-9/10"),
        ("bytes=10-", 416, None, b"bytes */10"),
        ("bytes=-0", 416, None, b"bytes */10"),
        ("bytes=4-3", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=x", 200, b"0123456789", None),
        ("pages=1-2", 200, b"0123456789", None),
    ],
)
def test_ranges(
    site: LiveServer, value: str, status: int, part: bytes | None, content_range: bytes | None
) -> None:
    response = ask(site, "/static/small.txt", f"Range: {value}")
    assert (response.status, response.header(b"content-range")) == (status, content_range)
    assert part is None or response.body == part


def test_a_range_of_a_large_file(site: LiveServer) -> None:
    response = ask(site, "/static/large.bin", "Range: bytes=100000-199999")
    assert (response.status, response.body) == (206, CONTENTS[100_000:200_000])


def test_if_range(site: LiveServer) -> None:
    tag = (ask(site, "/static/small.txt").header(b"etag") or b"").decode()
    part = "Range: bytes=0-1"
    for value, status in ((tag, 206), (f"W/{tag}", 200), ('"x"', 200)):
        assert ask(site, "/static/small.txt", part, f"If-Range: {value}").status == status
    date = "If-Range: Sun, 06 Nov 1994 08:49:37 GMT"
    assert ask(site, "/static/small.txt", part, date).status == 206
    assert ask(site, "/static/small.txt", part, date.replace("37", "38")).status == 200


def test_a_range_of_an_empty_file(site: LiveServer) -> None:
    for value in ("0-", "0-0", "5-9", "-1"):
        response = ask(site, "/static/empty.txt", f"Range: bytes={value}")
        assert (response.status, response.header(b"content-range")) == (200, None)


# --- Representations and caches ---


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        (None, None, b"plain"),
        ("gzip, deflate, br, zstd", b"br", b"brotli"),
        ("gzip", b"gzip", b"gzip"),
        ("gzip, zstd", b"zstd", b"zstd"),
        ("br;q=0, gzip;q=0.4, zstd;q=0.2", b"gzip", b"gzip"),
        ("*", b"br", b"brotli"),
        ("identity", None, b"plain"),
        ("deflate", None, b"plain"),
        ("gzip;q=0", None, b"plain"),
    ],
)
def test_compressed(
    site: LiveServer, accepted: str | None, coding: bytes | None, body: bytes
) -> None:
    headers = [] if accepted is None else [f"Accept-Encoding: {accepted}"]
    response = ask(site, "/static/css/page.css", *headers)
    assert (response.header(b"content-encoding"), response.body) == (coding, body)
    assert response.header(b"content-type") == b"text/css; charset=utf-8"
    assert response.header(b"vary") == b"accept-encoding"


@pytest.mark.parametrize("second", [0, 1])
def test_times_that_a_build_gives_to_all_files_say_nothing(
    folder: Path, site: LiveServer, second: int
) -> None:
    path = folder / "files" / "built.js"
    path.write_text("one")
    os.utime(path, (second, second))
    response = ask(site, "/static/built.js")
    assert (response.header(b"etag"), response.header(b"last-modified")) == (None, None)
    for header in (
        "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT",
        "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
        'If-None-Match: "a"',
        "If-Range: Thu, 01 Jan 1970 00:00:01 GMT\r\nRange: bytes=0-0",
    ):
        assert ask(site, "/static/built.js", header).body == b"one"
    assert ask(site, "/static/built.js", "If-None-Match: *").status == 304
    assert ask(site, "/static/built.js", "Range: bytes=1-1").body == b"n"


def test_a_time_to_come_is_none(folder: Path, site: LiveServer) -> None:
    path = folder / "files" / "early.js"
    path.write_text("early")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    response = ask(site, "/static/early.js")
    assert response.header(b"last-modified") is None
    tag = (response.header(b"etag") or b"").decode()
    assert ask(site, "/static/early.js", f"If-None-Match: {tag}").status == 304
    since = "If-Modified-Since: Tue, 01 Jan 2097 00:00:00 GMT"
    assert ask(site, "/static/early.js", since).status == 200


def test_codings_have_tags_of_their_own(site: LiveServer) -> None:
    tags = {
        ask(site, "/static/css/page.css", f"Accept-Encoding: {coding}").header(b"etag")
        for coding in ("br", "gzip", "zstd", "identity")
    }
    assert len(tags) == 4


def test_an_outdated_compressed_file_is_left_alone(site: LiveServer) -> None:
    response = ask(site, "/static/old.js", "Accept-Encoding: gzip")
    assert (response.header(b"content-encoding"), response.body) == (None, b"new contents")
    assert ask(site, "/static/old.js.gz").header(b"content-type") == b"application/gzip"


def test_a_name_with_a_hash_is_kept_for_a_year(site: LiveServer) -> None:
    response = ask(site, "/static/css/app.55e7cbb9ba48.css")
    assert response.header(b"cache-control") == b"public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("age", "header"),
    [(HOUR, b"public, max-age=3600"), (0, b"no-cache"), (None, None)],
)
def test_max_age(serve: Serve, folder: Path, age: Any, header: bytes | None) -> None:
    mounts = [("/", str(folder / "files"), True)]
    server = serve(application, static_files=mounts, static_max_age=age)
    assert server.get("/small.txt").header(b"cache-control") == header
    assert server.get("/none").body == b"application /none"


def test_other_origins(serve: Serve, folder: Path, site: LiveServer) -> None:
    name = b"access-control-allow-origin"
    assert ask(site, "/static/small.txt", "Origin: http://a").header(name) is None
    mounts = [("/", str(folder / "files"), True)]
    open_site = serve(application, static_files=mounts, static_allow_all_origins=True)
    whole = ask(open_site, "/css/app.55e7cbb9ba48.css", "Origin: http://a")
    assert whole.header(name) == b"*"
    tag = (whole.header(b"etag") or b"").decode()
    for header in (f"If-None-Match: {tag}", "Range: bytes=0-1"):
        assert ask(open_site, "/css/app.55e7cbb9ba48.css", header).header(name) == b"*"
    # With all that a response can have.
    part = ask(open_site, "/css/page.css", "Accept-Encoding: br", "Range: bytes=0-1")
    assert (part.status, part.body, part.header(name)) == (206, b"br", b"*")
    assert ask(open_site, "/none").header(name) is None


# --- Making ---


def test_what_can_not_be_served(folder: Path) -> None:
    loop = asyncio.new_event_loop()
    for url, name, error in (
        ("/static/", "nowhere", FileNotFoundError),
        ("/static/", "secret", NotADirectoryError),
        ("static", "files", ValueError),
        ("/static", "files", ValueError),
    ):
        with pytest.raises(error):
            _core.Server(application, loop, static_files=[(url, str(folder / name), False)])
    loop.close()
