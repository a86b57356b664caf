"""Checks of request bodies, and of connections that carry more than one request."""

from __future__ import annotations

import hashlib
from typing import Any

from check import Checks, answer, head_only
from site_process import Site
from support.raw import request

CHECKS = Checks()
check = CHECKS.add


def posted(site: Site, target: str, body: bytes, *headers: str) -> Any:
    return answer(site.ask(request(target, method="POST", headers=headers, body=body)))


@check
def post(site: Site) -> Any:
    return posted(site, "/echo/", b"some bytes", "Content-Type: text/plain")


@check
def post_nothing(site: Site) -> Any:
    return posted(site, "/echo/", b"")


@check
def post_megabytes(site: Site) -> Any:
    return posted(site, "/echo/", b"0123456789" * 300_000)


@check
def post_read_in_parts(site: Site) -> Any:
    body = b"abc" * 100_000
    got = site.ask(request("/read-in-parts/", method="POST", body=body))
    return got.status, got.body.decode() == hashlib.sha256(body).hexdigest()


@check
def post_echo_async(site: Site) -> Any:
    return posted(site, "/echo-async/", bytes(range(256)))


@check
def post_to_a_consumer(site: Site) -> Any:
    return posted(site, "/consumer/echo/", b"x" * 200_000)


@check
def upload(site: Site) -> Any:
    def part(rest: str, content: bytes) -> bytes:
        return b"--edge\r\nContent-Disposition: form-data; " + rest.encode() + b"\r\n\r\n" + content

    parts = part('name="title"', b"a picture") + b"\r\n"
    parts += part('name="file"; filename="\xe4.png"', b"\x89PNG" * 300_000) + b"\r\n--edge--\r\n"
    return posted(site, "/upload/", parts, "Content-Type: multipart/form-data; boundary=edge")


CHUNKS = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n"


@check
def chunked_upload(site: Site) -> Any:
    head = request("/echo-async/", method="POST", headers=["Transfer-Encoding: chunked"])
    return answer(site.ask(head + CHUNKS))


@check
def chunked_upload_in_single_bytes(site: Site) -> Any:
    head = request("/echo-async/", method="POST", headers=["Transfer-Encoding: chunked"])
    with site.connect() as client:
        client.dribble(head + CHUNKS)
        return answer(client.read_response())


@check
def expect_continue(site: Site) -> Any:
    data = request("/echo-async/", method="POST", headers=["Expect: 100-continue"], body=b"later")
    with site.connect() as client:
        client.send(data[: -len(b"later")])
        first = client.read_response()
        client.send(b"later")
        return head_only(first), answer(client.read_response())


@check
def pipelined(site: Site) -> Any:
    data = request("/hello/") + request("/echo-async/", method="POST", body=b"body")
    data += request("/stream/") + request("/hello-async/", headers=["Connection: close"])
    with site.connect() as client:
        client.send(data)
        answers = [answer(client.read_response()) for _ in range(4)]
        client.assert_closed()
        return answers


@check
def kept_alive_when_idle(site: Site) -> Any:
    with site.connect() as client:
        client.send(request("/hello/"))
        client.read_response()
        silent = client.is_silent(4.2)
        client.send(request("/hello/"))
        return silent, client.read_response().body
