"""Chunked request bodies that are right (RFC 9112, 7.1); wrong ones are in test_strict_chunked."""

import pytest
from support.apps import Journal, Receive, Scope, Send, echo_body, recording_scope, respond
from support.raw import request
from support.server import Serve

HEAD = request(method="POST", headers=["Transfer-Encoding: chunked"])

BODIES = {
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "empty": (b"0\r\n\r\n", b""),
    "several chunks": (b"1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", b"abcdef"),
    "upper case size": (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "lower case size": (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "leading zeros": (b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    "extension": (b"5;name=value\r\nhello\r\n0;last\r\n\r\n", b"hello"),
    "quoted extension": (b'5;a="b c"\r\nhello\r\n0\r\n\r\n', b"hello"),
    "trailers": (b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\nX-Other: 2\r\n\r\n", b"hello"),
    "CRLF in the data": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    "chunk syntax in the data": (b"7\r\n0\r\n\r\n..\r\n0\r\n\r\n", b"0\r\n\r\n.."),
}


@pytest.mark.parametrize("name", BODIES)
def test_whole(serve: Serve, name: str) -> None:
    wire, body = BODIES[name]
    with serve(echo_body).connect() as client:
        client.send(HEAD + wire + HEAD + wire)
        assert client.read_response().body == body
        assert client.read_response().body == body


@pytest.mark.parametrize("name", BODIES)
def test_byte_by_byte(serve: Serve, name: str) -> None:
    wire, body = BODIES[name]
    with serve(echo_body).connect() as client:
        client.dribble(HEAD + wire)
        assert client.read_response().body == body


def test_every_cut_in_two_packets(serve: Serve) -> None:
    wire, body = BODIES["trailers"]
    server = serve(echo_body)
    with server.connect() as client:
        for cut in range(1, len(wire)):
            client.send(HEAD + wire[:cut])
            client.send(wire[cut:])
            assert client.read_response().body == body, cut


def test_large_chunk(serve: Serve) -> None:
    data = bytes(range(256)) * 8192
    with serve(echo_body).connect() as client:
        client.send(HEAD + b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n")
        assert client.read_response().body == data


def test_many_small_chunks(serve: Serve) -> None:
    with serve(echo_body).connect() as client:
        client.send(HEAD + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
        assert client.read_response().body == b"x" * 20_000


def test_coding_name_in_any_case(serve: Serve) -> None:
    head = request(method="POST", headers=["Transfer-Encoding: Chunked"])
    response = serve(echo_body).exchange(head + b"2\r\nhi\r\n0\r\n\r\n")
    assert response.body == b"hi"


def test_trailers_do_not_become_headers(serve: Serve) -> None:
    journal = Journal()
    server = serve(recording_scope(journal))
    server.exchange(HEAD + b"0\r\nX-Admin: yes\r\n\r\n")
    names = [name for name, _ in journal.next()["headers"]]
    assert b"transfer-encoding" in names
    assert b"x-admin" not in names


def test_chunks_arrive_while_the_body_goes_on(serve: Serve) -> None:
    journal = Journal()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            journal.add((message.get("body", b""), more))
        await respond(send)

    with serve(application).connect() as client:
        client.send(HEAD + b"5\r\nfirst\r\n")
        assert journal.next() == (b"first", True)
        client.send(b"6\r\nsec")
        assert journal.next() == (b"sec", True)
        client.send(b"ond\r\n")
        assert journal.next() == (b"ond", True)
        client.send(b"0\r\n\r\n")
        assert journal.next() == (b"", False)
        assert client.read_response().status == 200
