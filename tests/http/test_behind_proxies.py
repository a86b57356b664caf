"""Behind proxies, which send other people's requests on the connections that they keep."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.apps import Receive, Scope, Send, read_body, respond
from support.proxies import Proxy
from support.server import Serve

SIZES = [0, 1, 70_000, 250_000, 263_000, 400_000, 3_000_000]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse to read what is posted to a path that is a status; else answer with its length."""
    status = scope["path"][1:]
    if status.isdigit():
        await respond(send, b"no", status=int(status))
    else:
        await respond(send, str(len(await read_body(receive))).encode())


@pytest.fixture(params=["nginx", "nginx-unbuffered", "haproxy", "haproxy-http2", "caddy-http2"])
def proxy(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Iterator[Proxy]:
    server = serve(application)
    with Proxy(request.param, tmp_path, server.address[1]) as running:
        yield running
    server.forget_clients()


def answer(
    proxy: Proxy, method: str, target: str, body: bytes = b"", *, chunked: bool = False
) -> int:
    """Return the status of one request, on a client connection of its own."""
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        if chunked:
            pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
            client.request(method, target, pieces, encode_chunked=True)
        else:
            client.request(method, target, body or None)
        response = client.getresponse()
        response.read()
        return response.status
    except BrokenPipeError:
        return client.getresponse().status  # it was answered before all of it was sent
    finally:
        client.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("status", [401, 404])
def test_who_comes_after_an_unread_body_is_answered(
    proxy: Proxy, status: int, chunked: bool
) -> None:
    for size in SIZES:
        assert answer(proxy, "POST", f"/{status}", b"b" * size, chunked=chunked) == status
        assert [answer(proxy, "GET", "/read") for _ in range(2)] == [200, 200]


def test_bodies_that_are_read(proxy: Proxy) -> None:
    for size in SIZES:
        assert answer(proxy, "POST", "/read", b"b" * size) == 200
        assert answer(proxy, "QUERY", "/read", b"b" * min(size, 70_000)) == 200
