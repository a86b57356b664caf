"""Headers the server adds, and headers of the application it must leave as they are."""

import re
import time
from email.utils import parsedate_to_datetime

import pytest
from support.apps import Application, Receive, Scope, Send, hello, respond
from support.raw import request
from support.server import Serve

DATE = re.compile(
    rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] "
    rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
    rb"[0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)


def with_headers(*headers: tuple[bytes, bytes]) -> Application:
    """Return an application that answers with these headers."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"ok", headers=headers)

    return application


def test_date(serve: Serve) -> None:
    """RFC 9110, 6.6.1 and 5.6.7: present, in the one format that is allowed, and true."""
    value = serve(hello).get().header(b"date")
    assert value is not None and DATE.fullmatch(value)
    assert abs(parsedate_to_datetime(value.decode()).timestamp() - time.time()) < 5


def test_date_goes_on(serve: Serve) -> None:
    """A cached date is renewed."""
    server = serve(hello)
    first = server.get().header(b"date")
    stop = time.monotonic() + 5
    while server.get().header(b"date") == first:
        assert time.monotonic() < stop, "the date stands still"
        time.sleep(0.1)


def test_server(serve: Serve) -> None:
    assert serve(hello).get().header(b"server") == b"casgi"


def test_other_server_name(serve: Serve) -> None:
    assert serve(hello, server_header="teapot/1").get().header(b"server") == b"teapot/1"


def test_both_turned_off(serve: Serve) -> None:
    response = serve(hello, server_header=None, date_header=False).get()
    assert response.header(b"server") is None
    assert response.header(b"date") is None


@pytest.mark.parametrize("name", [b"server", b"Server"])
def test_server_of_the_application_wins(serve: Serve, name: bytes) -> None:
    assert serve(with_headers((name, b"mine"))).get().all(b"server") == [b"mine"]


@pytest.mark.parametrize("name", [b"date", b"Date"])
def test_date_of_the_application_wins(serve: Serve, name: bytes) -> None:
    date = b"Thu, 01 Jan 1970 00:00:00 GMT"
    assert serve(with_headers((name, date))).get().all(b"date") == [date]


def test_errors_of_the_server_carry_them_too(serve: Serve) -> None:
    response = serve(hello).exchange(b"BAD\r\n\r\n")
    assert response.status == 400
    assert response.header(b"date") is not None
    assert response.header(b"server") == b"casgi"


def test_duplicates_stay_in_order(serve: Serve) -> None:
    cookies = [b"a=1; Path=/", b"b=2", b"a=3"]
    headers = [(b"set-cookie", cookie) for cookie in cookies]
    response = serve(with_headers(headers[0], (b"x-between", b"x"), *headers[1:])).get()
    assert response.all(b"set-cookie") == cookies


def test_order_and_values_are_kept(serve: Serve) -> None:
    headers = [(b"x-%d" % number, b"value %d" % number) for number in range(50)]
    sent = [pair for pair in serve(with_headers(*headers)).get().headers if pair[0][:2] == b"x-"]
    assert sent == headers


def test_bytes_above_127_pass(serve: Serve) -> None:
    value = "é".encode() + b"\xff\x80"
    assert serve(with_headers((b"x-raw", value))).get().header(b"x-raw") == value


def test_empty_value(serve: Serve) -> None:
    assert serve(with_headers((b"x-empty", b""))).get().header(b"x-empty") == b""


def test_large_headers_of_the_application(serve: Serve) -> None:
    value = b"v" * 100_000
    assert serve(with_headers((b"x-large", value))).get().header(b"x-large") == value


@pytest.mark.parametrize(
    ("status", "reason"),
    [(200, b"OK"), (404, b"Not Found"), (418, None), (503, b"Service Unavailable"), (599, None)],
)
def test_status_line(serve: Serve, status: int, reason: bytes | None) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"ok", status=status)

    response = serve(application).get()
    assert response.status == status
    assert reason is None or response.reason == reason
    assert response.body == b"ok"


def test_headers_may_be_any_iterable(serve: Serve) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        headers = ([name, b"1"] for name in (b"x-a", b"x-b"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    response = serve(application).get()
    assert (response.header(b"x-a"), response.header(b"x-b")) == (b"1", b"1")


def test_request_headers_reach_the_application_in_order(serve: Serve) -> None:
    lines = ["X-A: 1", "Cookie: a=1", "x-a: 2", "X-B:3", "Cookie: b=2", "X-Empty:"]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        body = b"|".join(b"=".join(pair) for pair in scope["headers"])
        await respond(send, body)

    response = serve(application).exchange(request(headers=lines))
    assert response.body == b"host=test|x-a=1|cookie=a=1|x-a=2|x-b=3|cookie=b=2|x-empty="
