"""Checks of Django's views: what they see and what they answer."""

from __future__ import annotations

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
    scope.pop("extensions", None)  # What daphne does not have, docs/files.md.
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
        site.journal(key)
    return site.journal(key, 2)


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
    return entries, time.monotonic() - left < 8  # and not when its time is over


@check
def sends_behind_the_response(site: Site) -> Any:
    key = new_key()
    return answer(site.get(f"/consumer/talkative/?key={key}")), site.journal(key)


@check
def journal_is_json(site: Site) -> Any:
    return json.loads(site.get("/journal/nothing/").body)
