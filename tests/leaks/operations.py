"""What clients do to the server, each a function of it; polite and rude."""

from __future__ import annotations

import contextlib
import ssl
import zlib
from collections.abc import Callable

from leaks_server import LeaksServer
from support.raw import RawClient, request
from support.ws import BINARY, TEXT, upgrade

Operation = Callable[[LeaksServer], None]
OPERATIONS: dict[str, Operation] = {}

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
LARGE = b"x" * 300_000


def operation(act: Operation) -> Operation:
    """Register it under its name."""
    OPERATIONS[act.__name__] = act
    return act


def get(name: str, target: str, *headers: str, status: int = 200) -> None:
    """Register a request on a connection of its own."""

    def act(server: LeaksServer) -> None:
        assert server.ask(request(target, headers=headers)).status == status

    OPERATIONS[name] = act


get("plain request", "/plain")
get("application that raises", "/plain/raise", status=500)
get("Django, sync view with a session", "/sync")
get("Django, async view", "/async")
get("Django, query", "/query")
get("Django, file", "/file")
get("Django, stream", "/stream")
get("Django, async stream", "/async-stream")
get("Django, view that raises", "/broken", status=500)
get("Django, no such page", "/absent", status=404)
get("page of a consumer", "/page")
get("static file", "/static/file.txt")
get("part of a static file", "/static/file.txt", "Range: bytes=10-20", status=206)
get("static file that is not there", "/static/absent", status=404)


@operation
def many_on_one_connection(server: LeaksServer) -> None:
    with server.connect() as client:
        client.send(request("/plain") * 3)
        for _ in range(3):
            assert client.read_response().status == 200


@operation
def refused_request(server: LeaksServer) -> None:
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.read_response().status == 400


@operation
def half_a_head(server: LeaksServer) -> None:
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHo")


@operation
def body_that_is_read(server: LeaksServer) -> None:
    data = request("/plain/read", method="POST", body=LARGE)
    assert server.ask(data).body == b"read"


@operation
def body_that_django_reads(server: LeaksServer) -> None:
    data = request("/upload", method="POST", body=LARGE)
    assert server.ask(data).status in (200, 403)


@operation
def body_that_is_not_read(server: LeaksServer) -> None:
    with server.connect() as client:
        client.offer(request("/plain", method="POST", body=LARGE))
        assert client.read_response().status == 200


@operation
def upload_that_breaks_off(server: LeaksServer) -> None:
    client = server.connect()
    client.send(request("/plain/read", method="POST", body=LARGE)[:-1])
    client.reset()


@operation
def reader_that_breaks_off(server: LeaksServer) -> None:
    client = server.connect()
    client.send(request("/plain/wait"))
    client.read_until(b"begun")
    client.reset()


@operation
def client_that_leaves_django(server: LeaksServer) -> None:
    client = server.connect()
    client.send(request("/sync"))
    client.reset()
    assert server.ask(request("/sync")).status == 200  # else they would pile up


def converse(server: LeaksServer, target: str, *headers: str) -> None:
    """Say something and hear it."""
    with server.websocket(target, *headers) as client:
        client.send_text("hello")
        assert client.read_text() == "hello"
        client.finish()


@operation
def plain_websocket_in_a_group(server: LeaksServer) -> None:
    converse(server, "/plain")


@operation
def consumer_in_a_group(server: LeaksServer) -> None:
    converse(server, "/room")


@operation
def consumer_in_a_group_not_shared(server: LeaksServer) -> None:
    converse(server, "/unshared")


@operation
def sync_consumer(server: LeaksServer) -> None:
    converse(server, "/consumer")


@operation
def three_in_a_room(server: LeaksServer) -> None:
    with (
        server.websocket("/room") as ada,
        server.websocket("/room", DEFLATE) as ben,
        server.websocket("/unshared") as eve,
    ):
        for sender in (ada, eve):
            sender.send_text("hello")
            for client in (ada, ben, eve):
                assert client.read_frame().payload == b"hello"
        ada.finish()
        ben.reset()


@operation
def compressed_websocket(server: LeaksServer) -> None:
    with server.websocket("/plain", DEFLATE) as client:
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(b"a" * 5000) + packer.flush(zlib.Z_SYNC_FLUSH)
        client.send_frame(TEXT, packed[:-4], rsv=4)
        frame = client.read_frame()
        assert frame.rsv == 4
        assert zlib.decompressobj(-15).decompress(frame.payload + b"\0\0\xff\xff") == b"a" * 5000
        client.finish()


@operation
def consumer_that_raises(server: LeaksServer) -> None:
    with server.websocket("/raising") as client:
        client.send_text("hello")
        assert client.read_close()[0] == 1011


@operation
def websocket_that_breaks_the_protocol(server: LeaksServer) -> None:
    with server.websocket("/room") as client:
        client.send_frame(BINARY, b"x", rsv=2)
        assert client.read_close()[0] == 1002


@operation
def websocket_that_breaks_off(server: LeaksServer) -> None:
    client = server.websocket("/room")
    client.send(b"\x81\xfe\xff")
    client.reset()


@operation
def handshake_to_nowhere(server: LeaksServer) -> None:
    with server.connect() as client:
        client.send(upgrade("/absent"))
        assert client.read_response().status == 500


@operation
def http2_requests(server: LeaksServer) -> None:
    with server.http2() as client:
        streams = [client.request(path) for path in ("/plain", "/sync", "/static/file.txt")]
        assert [client.response(stream).status for stream in streams] == [200, 200, 200]


@operation
def http2_that_is_reset(server: LeaksServer) -> None:
    with server.http2() as client:
        stream = client.request("/plain/wait")
        client.until(lambda: client.responses[stream].body)
        client.reset(stream)
        assert client.get("/plain").status == 200


@operation
def http2_upload_that_breaks_off(server: LeaksServer) -> None:
    client = server.http2()
    client.request("/plain/read", method="POST", body=b"x" * 5000, ends=False)
    client.raw.reset()


@operation
def http2_that_floods(server: LeaksServer) -> None:
    with server.http2() as client:
        client.raw.offer(b"\0\0\x08\x06\0\0\0\0\0ping-for" * 20_000)
        client.read_to_end()


@operation
def request_over_tls(server: LeaksServer) -> None:
    with server.connect_secure() as client:
        client.send(request("/plain"))
        assert client.read_response().status == 200


@operation
def http2_over_tls(server: LeaksServer) -> None:
    with server.http2_secure() as client:
        assert client.get("/sync").status == 200


@operation
def tls_handshake_that_breaks_off(server: LeaksServer) -> None:
    with server.connect_bare_to_tls() as client:
        client.send(b"\x16\x03\x01\x02\x00\x01\x00")


@operation
def no_tls_to_the_port_of_tls(server: LeaksServer) -> None:
    with server.connect_bare_to_tls() as client:
        client.send(request("/"))
        client.read_to_end()


@operation
def tls_that_is_cut(server: LeaksServer) -> None:
    client: RawClient = server.connect_secure()
    client.send(request("/plain/wait"))
    client.read_until(b"begun")
    with contextlib.suppress(ssl.SSLError, OSError):
        client.reset()
