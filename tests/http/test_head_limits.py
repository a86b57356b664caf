"""Limits on the size and number of headers: 431, or 414 when it is the target that is too long."""

import pytest
from support.apps import hello
from support.raw import request
from support.refusal import accept, refuse, refused_by
from support.server import Serve


def test_header_of_70_kilobytes(serve: Serve) -> None:
    refuse(serve, request(headers=["X-Large: " + "x" * 70_000]), 431)


def test_many_headers_that_are_large_together(serve: Serve) -> None:
    refuse(serve, request(headers=[f"X-{n}: " + "x" * 1000 for n in range(70)]), 431)


def test_long_name(serve: Serve) -> None:
    refuse(serve, request(headers=["X" * 70_000 + ": 1"]), 431)


def test_long_target(serve: Serve) -> None:
    refuse(serve, request("/" + "a" * 70_000), 414, 431)


def test_long_method(serve: Serve) -> None:
    refuse(serve, request(method="G" * 70_000), 400, 414, 431, 501)


def test_head_that_never_ends(serve: Serve) -> None:
    """The limit holds before the head is whole."""
    server = serve(hello)
    with server.connect() as client:
        client.offer(request(headers=["X-Open: "])[:-4])
        for _ in range(100):
            client.offer(b"x" * 1000)
        response = client.read_response()
        assert response.status == 431
        client.assert_closed()


def test_many_small_headers(serve: Serve) -> None:
    refuse(serve, request(headers=[f"X-{n}: 1" for n in range(2000)]), 431)


def test_names_with_an_underscore_count_too(serve: Serve) -> None:
    refuse(serve, request(headers=[f"X_{n}: 1" for n in range(2000)]), 431)


def test_one_hundred_headers_pass(serve: Serve) -> None:
    scope = accept(serve, request(headers=[f"X-{n}: 1" for n in range(99)]))
    assert len(scope["headers"]) == 100


def test_header_just_under_the_limit_passes(serve: Serve) -> None:
    value = "x" * 65_000
    scope = accept(serve, request(headers=[f"X-Large: {value}"]))
    assert dict(map(tuple, scope["headers"]))[b"x-large"] == value.encode()


@pytest.mark.parametrize(
    ("options", "status"),
    [({"max_head_size": 500}, 431), ({"max_headers": 5}, 431)],
    ids=["size", "count"],
)
def test_smaller_limits(serve: Serve, options: dict[str, int], status: int) -> None:
    server = serve(hello, **options)
    assert server.get().status == 200
    refused_by(server, request(headers=[f"X-{n}: " + "x" * 50 for n in range(10)]), status)


def test_limits_hold_for_every_request_of_a_connection(serve: Serve) -> None:
    with serve(hello, max_headers=5).connect() as client:
        for _ in range(10):
            client.send(request(headers=["X-A: 1", "X-B: 1", "X-C: 1"]))
            assert client.read_response().status == 200
        client.offer(request(headers=[f"X-{n}: 1" for n in range(10)]))
        assert client.read_response().status == 431
        client.assert_closed()


def test_trailers_are_limited_too(serve: Serve) -> None:
    """The rest of a body that never stops naming trailers is not read for ever."""
    head = request(method="POST", headers=["Transfer-Encoding: chunked"])
    with serve(hello).connect() as client:
        client.send(head + b"0\r\n")
        for number in range(200):
            client.offer(b"X-%d: " % number + b"x" * 1000 + b"\r\n")
        rest = client.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 ")
