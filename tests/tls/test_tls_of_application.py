"""An application's own TLS beside the server's: OpenSSL has one queue of errors for a thread."""

import contextlib
import socket
import ssl
from collections.abc import Callable

import pytest
from support.apps import hello
from support.certificates import Authority, CertificateFiles
from support.reports import wait_until
from support.server import LiveServer, Serve

from casgi.tls import Certificate, TlsSettings

Fault = Callable[[LiveServer, ssl.SSLContext], None]


def plain_http(server: LiveServer, _: ssl.SSLContext) -> None:
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.read_to_end()


def alert_within_the_handshake(server: LiveServer, _: ssl.SSLContext) -> None:
    suspicious = ssl.create_default_context()
    with (
        socket.create_connection(server.address, 20) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        suspicious.wrap_socket(plain, server_hostname="localhost")


def record_that_no_key_opens(server: LiveServer, trusting: ssl.SSLContext) -> None:
    with (
        socket.create_connection(server.address, 20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as secure,
        contextlib.suppress(OSError),  # the server's alert is one of Python's exceptions
    ):
        socket.socket.sendall(secure, b"\x17\x03\x03\x00\x20" + bytes(32))
        while secure.recv(100):
            pass


def end_within_the_handshake(server: LiveServer, _: ssl.SSLContext) -> None:
    with server.connect() as client:
        client.send(bytes.fromhex("16030100f0010000ec0303"))


def open_pair(authority: Authority, files: CertificateFiles) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Return both ends of a connection without a socket."""
    ours = ssl.create_default_context(cafile=authority.certificate)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(files.certificate, files.key)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(down, up, server_hostname="localhost")
    server = theirs.wrap_bio(up, down, server_side=True)
    for end in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return client, server


@pytest.mark.parametrize(
    "fault",
    [
        plain_http,
        alert_within_the_handshake,
        record_that_no_key_opens,
        end_within_the_handshake,
    ],
)
def test_faults_of_clients_do_not_reach_it(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext, fault: Fault
) -> None:
    files = authority.issue("localhost")
    server = serve(hello, tls=TlsSettings((Certificate(files.certificate, files.key),)))
    client, peer = open_pair(authority, files)

    def wait() -> None:
        with pytest.raises(ssl.SSLWantReadError):
            client.read(1)

    server.call(wait)  # behind the tickets, which it takes
    fault(server, trusting)
    wait_until(lambda: server.count() == (0, 0), "a connection is left")
    server.call(wait)
    peer.write(b"x")
    assert server.call(lambda: client.read(1)) == b"x"
