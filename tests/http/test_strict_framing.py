"""Bodies whose end two parsers could see in different places are refused (RFC 9112, 6 and 11.2)."""

import pytest
from support.raw import request
from support.refusal import accept, refuse
from support.server import Serve


def post(*headers: str | bytes, body: bytes = b"", version: str = "1.1") -> bytes:
    """Return a POST with exactly these framing headers."""
    return request(method="POST", headers=headers, version=version) + body


CHUNKED_BODY = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: chunked", "Content-Length: 0"],
        ["transfer-encoding: CHUNKED", "content-length: 15"],
    ],
)
def test_length_and_chunked(serve: Serve, headers: list[str]) -> None:
    refuse(serve, post(*headers, body=CHUNKED_BODY), 400)


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Content-Length: 5"],
        ["Content-Length: 5, 5"],
        ["Content-Length: 5, 6"],
        ["Content-Length: 5,"],
    ],
)
def test_two_lengths(serve: Serve, headers: list[str]) -> None:
    refuse(serve, post(*headers, body=b"hello"), 400)


@pytest.mark.parametrize(
    "value",
    [
        *["-1", "+5", "5x", "x", "0x5", "5.0", "5 5", "5e0", "", "\t", "५"],
        *["18446744073709551616", "99999999999999999999999999"],
    ],
)
def test_length_that_is_none(serve: Serve, value: str) -> None:
    refuse(serve, post(b"Content-Length: " + value.encode(), body=b"hello"), 400)


@pytest.mark.parametrize(
    "value",
    [
        *["gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "gzip", "xchunked"],
        *["chunked;q=1", "chunked foo", '"chunked"', "chun ked"],
    ],
)
def test_codings_other_than_chunked(serve: Serve, value: str) -> None:
    """RFC 9112, 6.1 allows 501 for a coding that is unknown, and 400 where it is misused."""
    refuse(serve, post(f"Transfer-Encoding: {value}", body=CHUNKED_BODY), 400, 501)


def test_two_transfer_encodings(serve: Serve) -> None:
    headers = ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]
    refuse(serve, post(*headers, body=CHUNKED_BODY), 400, 501)
    headers = ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]
    refuse(serve, post(*headers, body=CHUNKED_BODY), 400, 501)


@pytest.mark.parametrize("value", ["", " "])
def test_empty_transfer_encoding(serve: Serve, value: str) -> None:
    refuse(serve, post(f"Transfer-Encoding:{value}", body=CHUNKED_BODY), 400, 501)


@pytest.mark.parametrize("suffix", [b"\x0b", b"\x0c", b"\0", b"\x1f", b"\xa0"])
def test_coding_with_an_odd_byte(serve: Serve, suffix: bytes) -> None:
    refuse(serve, post(b"Transfer-Encoding: chunked" + suffix, body=CHUNKED_BODY), 400, 501)


def test_chunked_in_http_1_0(serve: Serve) -> None:
    """RFC 9112, 6.1: the framing of such a message is to be treated as faulty."""
    data = post("Transfer-Encoding: chunked", body=CHUNKED_BODY, version="1.0")
    refuse(serve, data, 400, 501)


@pytest.mark.parametrize("value", ["5", "005", " 5", "5 ", "\t5\t"])
def test_lengths_that_are_right(serve: Serve, value: str) -> None:
    scope = accept(serve, post(f"Content-Length: {value}", body=b"hello"))
    assert (b"content-length", value.strip().encode()) in [tuple(pair) for pair in scope["headers"]]


@pytest.mark.parametrize("name", ["Content_Length", "Transfer_Encoding", "content-length_"])
def test_framing_headers_with_an_underscore_are_dropped(serve: Serve, name: str) -> None:
    scope = accept(serve, request(headers=[f"{name}: 5"]))
    assert [name for name, _ in scope["headers"]] == [b"host"]


@pytest.mark.parametrize(
    "line",
    [
        *["Content-Length : 5", "Content-Length\t: 5", "Transfer-Encoding : chunked"],
        *[" Transfer-Encoding: chunked", "\tContent-Length: 5", "Content Length: 5"],
    ],
)
def test_framing_header_in_disguise(serve: Serve, line: str) -> None:
    refuse(serve, post(line, body=CHUNKED_BODY), 400)
