"""HTTP/2 over TLS, with clients whose records come in bits, or bring nothing."""

import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from support.apps import echo_body, hello
from support.certificates import Authority
from support.http2 import PREFACE, Http2Client, frame
from support.raw import RawClient
from support.server import LiveServer, Serve
from support.server_process import environment_of_foreign_programs

from casgi.tls import Certificate, TlsSettings

SETTINGS, ACK, FRAME_HEAD = 4, 1, 9
MORE_THAN_ALLOWED = 200


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def tls(authority: Authority) -> TlsSettings:
    files = authority.issue("localhost")
    return TlsSettings((Certificate(files.certificate, files.key),))


def connect(plain: socket.socket, authority: Authority) -> Http2Client:
    """Return a client that has shaken hands over a socket."""
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(["h2"])
    plain.settimeout(20)
    raw = RawClient(context.wrap_socket(plain, server_hostname="localhost"))
    return Http2Client(raw)


def get(server: LiveServer, authority: Authority) -> bytes:
    with connect(socket.create_connection(server.address, 20), authority) as client:
        return bytes(client.get().body)


def relay(source: socket.socket, target: socket.socket, size: int) -> None:
    """Pass on what comes, in pieces of this size, to the end."""
    with contextlib.suppress(OSError):
        while part := source.recv(size):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_a_client_that_sends_a_byte_at_a_time(
    serve: Serve, tls: TlsSettings, authority: Authority
) -> None:
    server = serve(echo_body, tls=tls)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_connection(server.address, 20) as outer:
        outer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = [
            threading.Thread(target=relay, args=(theirs, outer, 1)),
            threading.Thread(target=relay, args=(outer, theirs, 65536)),
        ]
        for way in ways:
            way.start()
        with connect(ours, authority) as client:
            for body in (b"a", b"bc" * 50):
                stream = client.request(method="POST", body=body)
                assert client.response(stream).body == body
        for way in ways:
            way.join(20)


def s_client(server: LiveServer, version: str) -> subprocess.Popen[bytes]:
    """Start a client, past the preface, that obeys letters at the beginning of what it reads."""
    address = f"127.0.0.1:{server.address[1]}"
    options = ["-quiet", "-no_ign_eof", "-alpn", "h2", version, "-connect", address]
    process = subprocess.Popen(
        ["openssl", "s_client", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment_of_foreign_programs(),
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(PREFACE + frame(SETTINGS, 0, 0))
    process.stdin.flush()
    acknowledged = frame(SETTINGS, ACK, 0)
    while (head := process.stdout.read(FRAME_HEAD)) != acknowledged:
        process.stdout.read(int.from_bytes(head[:3]))
    return process


def command(process: subprocess.Popen[bytes], letter: bytes, answer: bytes) -> bool:
    """Give a command; return whether it was obeyed, False when the client has ended."""
    assert process.stdin
    assert process.stderr
    try:
        process.stdin.write(letter + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return False
    return any(answer in line for line in process.stderr)


def test_flood_of_key_updates(serve: Serve, tls: TlsSettings, authority: Authority) -> None:
    server = serve(hello, tls=tls)
    with s_client(server, "-tls1_3") as process:
        updates = 0
        while updates < MORE_THAN_ALLOWED and command(process, b"K", b"KEYUPDATE"):
            updates += 1
        assert 10 < updates < MORE_THAN_ALLOWED
        process.communicate(timeout=20)
    server.wait_idle()
    assert get(server, authority) == b"hello"


def test_renegotiation_is_refused(serve: Serve, tls: TlsSettings, authority: Authority) -> None:
    server = serve(hello, tls=tls)
    with s_client(server, "-tls1_2") as process:
        assert command(process, b"R", b"RENEGOTIATING")
        assert b"no renegotiation" in process.communicate(timeout=20)[1]
    server.wait_idle()
    assert get(server, authority) == b"hello"
