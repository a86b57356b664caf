"""Checks of Django's views: requests whole, responses whole, connections kept."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from check import Checks, answer, framing, head_only
from site_process import Site, new_key
from support.raw import request

CHECKS = Checks()
check = CHECKS.add


def simple(name: str, target: str, *headers: str, method: str = "GET") -> None:
    """Register the check that asks for `target` and compares everything."""

    def ask(site: Site) -> Any:
        return answer(site.ask(request(target, headers=headers, method=method), method))

    ask.__name__ = name
    check(ask)


simple("sync_view", "/hello/")
simple("async_view", "/hello-async/")
simple("not_found", "/nowhere/")
simple("append_slash", "/hello")
simple("redirect", "/redirect/")
simple("crash", "/crash/")
simple("crash_async", "/crash-async/")
simple("status_204", "/status/204/")
simple("status_304", "/status/304/")
simple("status_418", "/status/418/")
simple("status_503", "/status/503/")
simple("head", "/hello/", method="HEAD")
simple("head_of_a_stream", "/stream/", method="HEAD")
simple("options", "/hello/", method="OPTIONS")
simple("delete", "/echo/", method="DELETE")
simple("stream", "/stream/")
simple("stream_async", "/stream-async/")
simple("download", "/download/")
simple("big_response", "/big/3000000/")
simple("response_headers", "/headers/")
simple("cookies", "/cookies/", "Cookie: a=1; b=two; c=drei")
simple("two_cookie_headers", "/cookies/", "Cookie: a=1", "Cookie: b=2")
simple("query", "/query/?a=1&a=2&b=%C3%A4&c=x+y&d")
simple("query_of_odd_bytes", "/query/?a=%ff&b=%00&c=[]{}|")
simple("query_empty", "/query/?")
simple("users", "/users/")
simple("users_async", "/users-async/")
simple("thread_of_a_view", "/thread/")
simple("meta", "/meta/", "User-Agent: checks", "Accept: */*", "X-One: 1", "X-One: 2")
simple("path_percent_encoded", "/meta/a%20b%2Fc%C3%A4/%25")
simple("path_utf8_raw", "/meta/\xc3\xa4")
simple("path_dots", "/meta/../meta/./x//y")
simple("path_not_utf8", "/meta/%ff%fe")
simple("path_plus_and_semicolon", "/meta/a+b;c=d,e")
simple("header_value_latin", "/meta/", "X-Latin: gr\xfcn")
simple("header_value_spaces", "/meta/", "X-Spaced: \t padded \t ")
simple("header_with_underscore", "/meta/", "X_Forged: yes", "X-Real: yes")
simple("header_names_in_capitals", "/meta/", "X-SHOUTED: yes")
simple("absolute_form", "http://test/meta/?a=1")
simple("consumer_events", "/consumer/events/")


@check
def wrong_host(site: Site) -> Any:
    return answer(site.ask(request("/hello/", host="elsewhere")))


@check
def reason_phrases(site: Site) -> Any:
    return [head_only(site.get(f"/status/{code}/")) for code in (200, 201, 204, 404, 503)]


@check
def framing_of_204(site: Site) -> Any:
    return framing(site.get("/status/204/"))


@check
def framing_of_head(site: Site) -> Any:
    return framing(site.ask(request("/big/100/", method="HEAD"), "HEAD"))


@check
def framing_of_a_whole_body_without_length(site: Site) -> Any:
    return framing(site.get("/consumer/scope/"))


@check
def consumer_scope(site: Site) -> Any:
    target = "/consumer/scope/a%20b/%C3%A4?x=1"
    scope = json.loads(site.get(target, "X-One: 1", "X-Two: 2").body)
    scope["asgi"].pop("spec_version", None)
    scope["client"], scope["server"] = scope["client"][1:2], scope["server"][1:2]
    return scope


@check
def order_of_repeated_headers(site: Site) -> Any:
    scope = json.loads(site.get("/consumer/scope/", "X-One: 1", "X-Two: 2", "X-One: 3").body)
    return scope["headers"][2:]


@check
def framing_of_a_response(site: Site) -> Any:
    return framing(site.get("/hello/"))


@check
def framing_of_a_stream(site: Site) -> Any:
    return framing(site.get("/stream/"))


@check
def framing_when_asked_to_close(site: Site) -> Any:
    return framing(site.get("/stream/", "Connection: close"))


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


@check
def http10(site: Site) -> Any:
    with site.connect() as client:
        client.send(request("/hello/", version="1.0"))
        got = client.read_response()
        client.assert_closed()
        return answer(got), framing(got)["chunked"]


@check
def http10_stream(site: Site) -> Any:
    with site.connect() as client:
        client.send(request("/stream/", version="1.0"))
        got = client.read_response()
        return answer(got), framing(got)["chunked"]


@check
def malformed_request(site: Site) -> Any:
    return site.first_line(b"what is this\r\n\r\n")


@check
def length_and_chunked(site: Site) -> Any:
    data = request("/echo/", method="POST", headers=["Transfer-Encoding: chunked"], body=b"")
    return site.first_line(data + b"0\r\n\r\n")


@check
def session_and_sign_in(site: Site) -> Any:
    cookie = ""
    answers = []
    for target in (
        "/counter/",
        "/counter/",
        "/sign-in/?user=ada&password=lovelace",
        "/counter/",
        "/sign-in/?user=ada&password=wrong",
    ):
        got = site.get(target, f"Cookie: {cookie}")
        for value in got.all(b"set-cookie"):
            cookie = value.split(b";")[0].decode()
        answers.append(answer(got))
    return answers


@check
def context_of_a_request(site: Site) -> Any:
    with site.connect() as client:
        client.send(request("/leak/") * 3)
        return [client.read_response().body for _ in range(3)]


@check
def leaving_a_slow_view(site: Site) -> Any:
    key = new_key()
    with site.connect() as client:
        client.send(request(f"/slow/{key}/"))
        client.is_silent(0.2)
    return site.journal(key)


@check
def leaving_a_stream_of_django(site: Site) -> Any:
    key = new_key()
    with site.connect() as client:
        client.send(request(f"/stream-endless/{key}/"))
        client.read_until(b"data: 3")
    return site.journal(key)


@check
def leaving_a_listening_consumer(site: Site) -> Any:
    key = new_key()
    with site.connect() as client:
        client.send(request(f"/consumer/listening/?key={key}"))
        client.read_until(b"hello")
        left = time.monotonic()
    entries = site.journal(key)
    return entries, time.monotonic() - left < 2


@check
def journal_is_json(site: Site) -> Any:
    return json.loads(site.get("/journal/nothing/").body)
