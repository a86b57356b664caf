"""Heads that are not exactly as RFC 9112 wants them are refused and the connection is closed."""

import pytest
from support.raw import request
from support.refusal import accept, refuse
from support.server import Serve

CONTROLS = [*range(0x09), *range(0x0B, 0x0D), *range(0x0E, 0x20), 0x7F]


def with_line(line: bytes) -> bytes:
    """Return a request with one more header line, not the last."""
    return request(headers=[line, "X-After: 1"])


@pytest.mark.parametrize("byte", CONTROLS)
def test_control_byte_in_a_value(serve: Serve, byte: int) -> None:
    refuse(serve, with_line(b"X-Value: a" + bytes([byte]) + b"b"), 400)


@pytest.mark.parametrize("byte", CONTROLS)
@pytest.mark.parametrize("shape", [b"X-Value: %b", b"X-Value: a%b", b"X-Value:%ba"])
def test_control_byte_at_an_end_of_a_value(serve: Serve, byte: int, shape: bytes) -> None:
    refuse(serve, with_line(shape % bytes([byte])), 400)


@pytest.mark.parametrize("byte", [*CONTROLS, *b' \t"(),/;<=>?@[\\]{}', 0x80, 0xFF])
def test_byte_that_no_name_has(serve: Serve, byte: int) -> None:
    refuse(serve, with_line(b"X" + bytes([byte]) + b"Name: value"), 400)


@pytest.mark.parametrize("line", [b": value", b"no colon", b"X-Name", b" : value"])
def test_line_that_is_no_header(serve: Serve, line: bytes) -> None:
    refuse(serve, with_line(line), 400)


@pytest.mark.parametrize("space", [b" ", b"\t", b"  "])
def test_space_before_the_colon(serve: Serve, space: bytes) -> None:
    refuse(serve, with_line(b"X-Name" + space + b": value"), 400)


@pytest.mark.parametrize("fold", [b"\r\n ", b"\r\n\t", b"\r\n  \t"])
def test_folded_value(serve: Serve, fold: bytes) -> None:
    refuse(serve, with_line(b"X-Name: one" + fold + b"two"), 400)
    refuse(serve, with_line(b"X-Name:" + fold + b"two"), 400)


def test_folded_first_line(serve: Serve) -> None:
    refuse(serve, b"GET / HTTP/1.1\r\n Host: test\r\n\r\n", 400)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n", b"\n\r"])
@pytest.mark.parametrize("place", ["request line", "header", "head"])
def test_line_end_that_is_not_crlf(serve: Serve, end: bytes, place: str) -> None:
    ends = dict.fromkeys(("request line", "header", "head"), b"\r\n")
    ends[place] = end
    data = b"GET / HTTP/1.1" + ends["request line"] + b"Host: test" + ends["header"]
    refuse(serve, data + b"X-Last: 1\r\n" + ends["head"] + b"padding\r\n\r\n", 400)


@pytest.mark.parametrize("byte", [b"\r", b"\n"])
def test_bare_cr_or_lf_in_a_value(serve: Serve, byte: bytes) -> None:
    refuse(serve, with_line(b"X-Name: one" + byte + b"X-Injected: two"), 400)


@pytest.mark.parametrize("space", [b" ", b"\t", b" \t ", b"\t\t"])
def test_white_space_around_a_value_is_stripped(serve: Serve, space: bytes) -> None:
    for data in (b"X-Name:" + space + b"a \tb", b"X-Name: a \tb" + space):
        scope = accept(serve, with_line(data))
        assert dict(map(tuple, scope["headers"]))[b"x-name"] == b"a \tb"
    scope = accept(serve, with_line(b"X-Name:" + space))
    assert dict(map(tuple, scope["headers"]))[b"x-name"] == b""


def test_bytes_above_127_in_a_value_pass(serve: Serve) -> None:
    value = bytes(range(0x80, 0x100))
    scope = accept(serve, with_line(b"X-Name: " + value))
    assert dict(map(tuple, scope["headers"]))[b"x-name"] == value


@pytest.mark.parametrize("name", [b"X_Name", b"X_Forwarded_For", b"_", b"Host_"])
def test_names_with_an_underscore_are_dropped(serve: Serve, name: bytes) -> None:
    scope = accept(serve, with_line(name + b": value"))
    assert [key for key, _ in scope["headers"]] == [b"host", b"x-after"]


def test_names_become_lower_case(serve: Serve) -> None:
    scope = accept(serve, with_line(b"X-NaMe!#$%&'*+.^`|~9: value"))
    assert dict(map(tuple, scope["headers"]))[b"x-name!#$%&'*+.^`|~9"] == b"value"


def test_missing_host(serve: Serve) -> None:
    refuse(serve, request(host=None), 400)


@pytest.mark.parametrize("second", ["Host: test", "Host: other", "host: test", "Host:"])
def test_duplicate_host(serve: Serve, second: str) -> None:
    refuse(serve, request(headers=[second]), 400)


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "a,b", "a\x80b", "[::1", "a?b", "a#b", "\\"])
def test_host_that_is_none(serve: Serve, host: str) -> None:
    """RFC 9112, 3.2: also a Host with an invalid value is answered with 400."""
    refuse(serve, request(host=None, headers=[f"Host: {host}"]), 400)


@pytest.mark.parametrize("host", ["test", "test:8000", "127.0.0.1:80", "[::1]:80", "", "a_b.c"])
def test_host_that_is_right(serve: Serve, host: str) -> None:
    accept(serve, request(host=host))


def test_http_1_0_needs_no_host(serve: Serve) -> None:
    accept(serve, request(version="1.0", host=None))


@pytest.mark.parametrize(
    "line",
    [
        *[b"GET", b"GET /", b"GET / HTTP/1.1 ", b"GET / HTTP/1.1\t"],
        *[b" GET / HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b"GET / HTTP/1.1 x"],
        *[b"GET / http/1.1", b"GET / HTTP/1.", b"GET / HTTP/11", b"GET / HTTP/1.1.1"],
        *[b"GET / HTTP/x.1", b"GET / HTTP 1.1", b"GET / ICE/1.0", b"GET / RTSP/1.0"],
        *[b"GET /\0 HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /a b HTTP/1.1", b"/ HTTP/1.1"],
        *[b"G@T / HTTP/1.1", b"G\0T / HTTP/1.1", b"get / HTTP/1.1", b"\x16\x03\x01\x02\x00"],
        *[b"GET HTTP/1.1", b"GET /#fragment HTTP/1.1", b"\xff\xff\xff\xff / HTTP/1.1"],
    ],
)
def test_request_line(serve: Serve, line: bytes) -> None:
    refuse(serve, line + b"\r\nHost: test\r\n\r\n", 400, 501, 505)


@pytest.mark.parametrize("version", ["2.0", "0.9", "1.2", "3.0", "9.9"])
def test_other_versions(serve: Serve, version: str) -> None:
    refuse(serve, request(version=version), 400, 505)


@pytest.mark.parametrize("method", ["get", "Delete", "PRI", "G3T", "GET/", "CONNECT"])
def test_no_method(serve: Serve, method: str) -> None:
    """RFC 9110, 9.1: 501 is meant for it; a parser that knows no such method says 400."""
    refuse(serve, request(method=method), 400, 405, 501)


def test_http_2_preface(serve: Serve) -> None:
    """Without HTTP/2 its preface is a request line with a bad version."""
    refuse(serve, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505, http2=False)
