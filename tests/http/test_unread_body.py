"""A response that ends before the request's body was read, and what its head has promised.

Whoever was not told that the connection closes may use it for the next request, which a proxy does
with those of other people.
"""

import threading

import pytest
from support.apps import Receive, Scope, Send, read_body, respond
from support.raw import RawClient, Response, request
from support.server import Serve

CHUNK = b"1000\r\n" + b"c" * 0x1000 + b"\r\n"


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading, with the status that the path names."""
    await respond(send, b"no", status=int(scope["path"][1:]))


def says_close(response: Response) -> bool:
    return response.header(b"connection") == b"close"


def check_promise(client: RawClient, response: Response) -> None:
    """After the whole body was sent: the next request is answered, unless the head said close."""
    if says_close(response):
        client.assert_closed()
    else:
        client.send(request("/204"))
        assert client.read_response().status == 204


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("status", [200, 401, 404, 405, 413])
@pytest.mark.parametrize("size", [1, 70_000, 200_000, 263_000, 400_000, 3_000_000])
def test_whole_body_is_sent(serve: Serve, size: int, status: int, version: str) -> None:
    with serve(refuse).connect() as client:
        headers = ["Connection: keep-alive"] if version == "1.0" else []
        head = request(f"/{status}", method="POST", headers=headers, version=version)
        length = f"Content-Length: {size}\r\n\r\n".encode()
        sender = threading.Thread(target=client.offer, args=(head[:-2] + length + b"b" * size,))
        sender.start()
        response = client.read_response()
        assert response.status == status
        sender.join()
        check_promise(client, response)


def test_small_rest_is_waited_for(serve: Serve) -> None:
    """The response is faster than the body: the connection stays, and the rest is no request."""
    with serve(refuse).connect() as client:
        inside = request("/500")
        client.send(request("/404", method="POST", headers=[f"Content-Length: {len(inside)}"]))
        response = client.read_response()
        assert not says_close(response)
        client.dribble(inside, 7)
        check_promise(client, response)


@pytest.mark.parametrize("has_begun", [False, True], ids=["no chunk yet", "between chunks"])
def test_chunked_body_whose_end_is_unknown(serve: Serve, has_begun: bool) -> None:
    with serve(refuse).connect() as client:
        head = request("/404", method="POST", headers=["Transfer-Encoding: chunked"])
        client.send(head + CHUNK if has_begun else head)
        response = client.read_response()
        assert says_close(response)
        client.offer(CHUNK * 200 + b"0\r\n\r\n")
        client.assert_closed()


def test_chunked_body_that_is_there(serve: Serve) -> None:
    with serve(refuse).connect() as client:
        head = request("/404", method="POST", headers=["Transfer-Encoding: chunked"])
        client.send(head + CHUNK + b"0\r\n\r\n")
        response = client.read_response()
        assert not says_close(response)
        check_promise(client, response)


def test_body_that_is_read_after_the_head_has_left(serve: Serve) -> None:
    """The head has to say it before anybody knows how much will be read."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"early ", "more_body": True})
        body = await read_body(receive)
        await send({"type": "http.response.body", "body": str(len(body)).encode()})

    with serve(application).connect() as client:
        client.send(request(method="POST", headers=["Transfer-Encoding: chunked"]))
        head = client.read_head()
        assert head.header(b"connection") == b"close"
        client.send(CHUNK + b"0\r\n\r\n")
        assert client.read_to_end() == b"6\r\nearly \r\n4\r\n4096\r\n0\r\n\r\n"


def test_answer_instead_of_continue_closes(serve: Serve) -> None:
    with serve(refuse).connect() as client:
        headers = ["Expect: 100-continue", "Content-Length: 4"]
        client.send(request("/413", method="POST", headers=headers))
        response = client.read_response()
        assert says_close(response)
        client.offer(b"body")
        client.assert_closed()


def test_answer_survives_a_long_upload(serve: Serve) -> None:
    """It can be read however much the client sends before it looks."""
    with serve(refuse).connect() as client:
        client.send(request("/413", method="POST", headers=["Content-Length: 50000000"]))
        for _ in range(50):
            client.offer(b"u" * 1_000_000)
        response = client.read_response()
        assert response.status == 413
        assert says_close(response)
