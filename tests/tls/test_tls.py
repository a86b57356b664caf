"""HTTPS and wss: what clients see, with Python's ssl, curl and openssl at the other end."""

import asyncio
import http.client
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client
from support.apps import Receive, Scope, Send, echo_body, echo_websocket, hello, respond
from support.certificates import Authority, CertificateFiles
from support.reports import wait_until
from support.server import LiveServer, Serve
from support.server_process import environment_of_foreign_programs

import casgi.tls
from casgi import _core
from casgi.tls import Certificate, TlsAcceptor, TlsAcceptors, TlsSettings


def settings_for(*files: CertificateFiles, **more: Any) -> TlsSettings:
    return TlsSettings(tuple(Certificate(each.certificate, each.key) for each in files), **more)


def https(server: LiveServer, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("localhost", server.address[1], timeout=20, context=context)


def get(server: LiveServer, context: ssl.SSLContext) -> bytes:
    connection = https(server, context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def certificate_seen(server: LiveServer, authority: Authority, name: str | None) -> str:
    """Return the common name of the certificate that a client gets when it names this host."""
    context = ssl.create_default_context(cafile=authority.certificate)
    context.check_hostname = False
    with (
        socket.create_connection(server.address, 20) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        certificate: Any = secure.getpeercert()
        return str(dict(part[0] for part in certificate["subject"])["commonName"])


@pytest.fixture
def server(serve: Serve, authority: Authority) -> LiveServer:
    return serve(hello, tls=settings_for(authority.issue("localhost", "127.0.0.1")))


async def scheme_and_version(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, f"{scope['scheme']} {scope['http_version']}".encode())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_request(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    server = serve(scheme_and_version, tls=settings_for(authority.issue("localhost")))
    trusting.minimum_version = trusting.maximum_version = version
    connection = https(server, trusting)
    for _ in range(3):  # on one connection
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"https 1.1"
    connection.close()


def test_bodies_of_every_size(serve: Serve, authority: Authority, trusting: ssl.SSLContext) -> None:
    server = serve(echo_body, tls=settings_for(authority.issue("localhost")))
    connection = https(server, trusting)
    for size in (0, 1, 16383, 16384, 16385, 100_000, 3_000_000):
        body = bytes(range(256)) * (size // 256 + 1)
        connection.request("POST", "/", body[:size])
        assert connection.getresponse().read() == body[:size]
    connection.close()


def test_a_websocket(serve: Serve, authority: Authority, trusting: ssl.SSLContext) -> None:
    server = serve(echo_websocket, tls=settings_for(authority.issue("localhost")))
    with websockets.sync.client.connect(
        f"wss://localhost:{server.address[1]}/", ssl=trusting, compression=None
    ) as client:
        for text in ("short", "long " * 50_000):
            client.send(text)
            assert client.recv() == text


def test_sni_chooses_the_certificate(serve: Serve, authority: Authority) -> None:
    first = authority.issue("one.example", "www.one.example")
    second = authority.issue("*.two.example")
    server = serve(hello, tls=settings_for(first, second))
    assert certificate_seen(server, authority, "one.example") == "one.example"
    assert certificate_seen(server, authority, "www.one.example") == "one.example"
    assert certificate_seen(server, authority, "a.two.example") == "*.two.example"
    assert certificate_seen(server, authority, "nobody.example") == "one.example"
    assert certificate_seen(server, authority, None) == "one.example"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_that_must_show_a_certificate(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    settings = settings_for(
        authority.issue("localhost"), ca_certs=authority.certificate, cert_reqs="required"
    )
    server = serve(hello, tls=settings)
    trusting.minimum_version = trusting.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        get(server, trusting)
    client = authority.issue("ada")
    trusting.load_cert_chain(client.certificate, client.key)
    assert get(server, trusting) == b"hello"


def test_clients_that_may_show_a_certificate(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    settings = settings_for(
        authority.issue("localhost"), ca_certs=authority.certificate, cert_reqs="optional"
    )
    server = serve(hello, tls=settings)
    assert get(server, trusting) == b"hello"
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("eve")
    trusting.load_cert_chain(stranger.certificate, stranger.key)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        get(server, trusting)


def test_a_session_is_resumed(server: LiveServer, trusting: ssl.SSLContext) -> None:
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2  # where Python's session is complete at once
    with (
        socket.create_connection(server.address, 20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as first,
    ):
        session = first.session
        assert not first.session_reused
    with (
        socket.create_connection(server.address, 20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost", session=session) as second,
    ):
        assert second.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("is_folder", [False, True])
def test_who_is_not_let_in_any_more_resumes_no_session(
    serve: Serve,
    authority: Authority,
    trusting: ssl.SSLContext,
    tmp_path: Path,
    version: ssl.TLSVersion,
    is_folder: bool,
) -> None:
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    clients = trusted / "clients.pem"
    clients.write_text(Path(authority.certificate).read_text())

    def renew() -> str:
        if is_folder:
            subprocess.run(["openssl", "rehash", trusted], check=True)
        return str(trusted if is_folder else clients)

    files = authority.issue("localhost")
    server = serve(hello, tls=settings_for(files, ca_certs=renew(), cert_reqs="required"))
    client = authority.issue("ada")
    trusting.load_cert_chain(client.certificate, client.key)
    trusting.minimum_version = trusting.maximum_version = version

    def talk(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool]:
        with (
            socket.create_connection(server.address, 20) as plain,
            trusting.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert read_response(secure).endswith(b"hello")
            return secure.session, bool(secure.session_reused)

    session, _ = talk(None)
    authority.issue("localhost", over=files)
    server.call(server.engine.tls.renew_if_changed)
    assert talk(session)[1]  # another certificate of ours changes nothing
    (tmp_path / "other").mkdir()
    clients.write_text(Path(Authority(tmp_path / "other").certificate).read_text())
    renew()
    server.call(server.engine.tls.renew_if_changed)
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        talk(session)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(server: LiveServer, version: str) -> None:
    assert b"Cipher is (NONE)" in s_client(server, version, "-cipher", "ALL:@SECLEVEL=0")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_current_versions(server: LiveServer, version: str) -> None:
    seen = s_client(server, version, "-alpn", "h3,http/1.1", data=b"GET / HTTP/1.0\r\n\r\n")
    assert b"ALPN protocol: http/1.1" in seen
    assert b"hello" in seen


def test_only_1_3_if_so_told(serve: Serve, authority: Authority) -> None:
    settings = settings_for(authority.issue("localhost"), minimum_version="1.3")
    server = serve(hello, tls=settings)
    assert b"Cipher is (NONE)" in s_client(server, "-tls1_2")
    assert b"TLSv1.3, Cipher is TLS" in s_client(server, "-tls1_3")


AES_128, AES_256 = "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"
CHACHA20 = "TLS_CHACHA20_POLY1305_SHA256"


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ([AES_256, CHACHA20, AES_128], AES_128),
        ([AES_256, CHACHA20], AES_256),
        ([CHACHA20, AES_256, AES_128], CHACHA20),  # of a client without AES in its processor
    ],
)
def test_which_suite_is_taken(server: LiveServer, offered: list[str], taken: str) -> None:
    seen = s_client(server, "-tls1_3", "-ciphersuites", ":".join(offered))
    assert f"Cipher is {taken}".encode() in seen


def test_a_protocol_that_is_not_spoken(server: LiveServer) -> None:
    assert b"no application protocol" in s_client(server, "-alpn", "imap", "-tls1_3")


def s_client(server: LiveServer, *arguments: str, data: bytes = b"") -> bytes:
    """Return what `openssl s_client` writes."""
    address = f"127.0.0.1:{server.address[1]}"
    done = subprocess.run(
        ["openssl", "s_client", "-ign_eof", "-connect", address, *arguments],
        input=data or b"GET / HTTP/1.0\r\n\r\n",
        capture_output=True,
        env=environment_of_foreign_programs(),
        timeout=20,
    )
    return done.stdout + done.stderr


def test_curl(server: LiveServer, authority: Authority) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is not installed"
    url = f"https://localhost:{server.address[1]}/"
    command = [
        curl,
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--cacert",
        authority.certificate,
    ]
    done = subprocess.run(
        [*command, url, url],
        capture_output=True,
        env=environment_of_foreign_programs(),
        timeout=20,
        check=True,
    )
    assert done.stdout == b"hellohello"


@pytest.mark.parametrize(
    "line",
    [
        *(f"{method} / HTTP/1.1" for method in ("GET", "DELETE", "OPTIONS", "PATCH")),
        "CONNECT localhost:443 HTTP/1.1",
        "PRI * HTTP/2.0",
    ],
)
def test_plain_http_gets_a_hint(
    server: LiveServer, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    caplog.set_level(logging.INFO)
    with server.connect() as client:
        client.dribble(line[:4].encode())
        client.offer(line[4:].encode() + b"\r\nHost: localhost\r\n\r\n")
        assert b"400 Bad Request" in (answer := client.read_to_end())
        assert b"https" in answer
    assert "speaks HTTPS" in caplog.text


def test_a_client_that_never_shakes_hands(serve: Serve, authority: Authority) -> None:
    server = serve(hello, tls=settings_for(authority.issue("localhost")), header_timeout=0.2)
    with server.connect() as client:
        assert client.read_to_end() == b""


def test_a_client_that_leaves_within_the_handshake(
    server: LiveServer, trusting: ssl.SSLContext
) -> None:
    for count in (1, 5, 100):
        with server.connect() as client:
            client.send(bytes.fromhex("16030100f0010000ec0303") + bytes(count))
    wait_until(lambda: server.count() == (0, 0), "a connection is left")
    assert get(server, trusting) == b"hello"


def test_shutdown_does_not_wait_for_a_handshake(server: LiveServer) -> None:
    with server.connect():
        wait_until(lambda: server.count()[0] == 1, "not accepted")
        server.shut_down()
        server.join()


def read_response(secure: ssl.SSLSocket) -> bytes:
    """Return all that comes, whether or not the server says that it is all."""
    received = bytearray()
    try:
        while part := secure.recv(65536):
            received += part
    except (ssl.SSLError, ConnectionError):
        pass
    return bytes(received)


def test_a_client_that_has_ended_its_side_sees_the_end_of_the_response(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext
) -> None:
    """By close_notify: without it a response that ends with its connection may have been cut."""
    may_answer = threading.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(may_answer.wait, 20)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"hello", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    server = serve(application, tls=settings_for(authority.issue("localhost")))
    with (
        socket.create_connection(server.address, 20) as plain,
        trusting.wrap_socket(
            plain, server_hostname="localhost", suppress_ragged_eofs=False
        ) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
        socket.socket.shutdown(secure, socket.SHUT_WR)
        for _ in range(3):  # turns of the server's loop, which sees the end
            server.count()
        may_answer.set()
        received = b""
        while part := secure.recv(65536):
            received += part
    assert received.endswith(b"\r\n\r\nhello")


def test_the_last_record_is_not_cut_off(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext
) -> None:
    """A client that ends its side and then reads gets the whole answer, of whatever size."""
    answered = threading.Event()

    async def zeros(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, bytes(int(scope["path"][1:])))
        answered.set()

    server = serve(zeros, tls=settings_for(authority.issue("localhost")))
    server.limit_send_buffer(16 * 1024)
    for size in range(4096, 80_000, 4096):  # one of them leaves half a record behind
        answered.clear()
        with socket.socket() as plain:
            plain.settimeout(20)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.connect(server.address)
            with trusting.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % size)
                assert answered.wait(20)
                socket.socket.shutdown(secure, socket.SHUT_WR)
                for _ in range(3):  # turns of the server's loop, which sees the end
                    server.count()
                head, _, body = read_response(secure).partition(b"\r\n\r\n")
                assert b" 200 OK" in head
                assert len(body) == size


def test_renewed_certificates(serve: Serve, authority: Authority, trusting: ssl.SSLContext) -> None:
    files = authority.issue("localhost")
    settings = settings_for(files)
    server = serve(hello, tls=settings)
    connection = https(server, trusting)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"
    authority.issue("localhost", "renewed.example", over=files)
    server.call(server.engine.tls.renew_if_changed)
    assert certificate_seen(server, authority, "renewed.example") == "localhost"
    assert get(server, trusting) == b"hello"
    connection.request("GET", "/")  # the old connection goes on
    assert connection.getresponse().read() == b"hello"
    connection.close()


def test_files_are_looked_at_while_the_loop_runs(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = authority.issue("localhost")
    monkeypatch.setattr(casgi.tls, "RENEWAL_SECONDS", 0.01)
    renewed_on: list[threading.Thread] = []

    async def renew() -> None:
        acceptors = TlsAcceptors()
        acceptor = acceptors.get(settings_for(files))
        loop, is_renewed = asyncio.get_running_loop(), asyncio.Event()

        def note() -> None:
            renewed_on.append(threading.current_thread())
            is_renewed.set()

        monkeypatch.setattr(acceptor, "renew", note)
        acceptors.watch()
        assert loop._scheduled == []  # type: ignore[attr-defined]  # no timer: see TlsAcceptors
        authority.issue("localhost", over=files)
        await is_renewed.wait()
        acceptors.close()

    asyncio.run(renew())
    assert set(renewed_on) == {threading.main_thread()}


def test_files_that_cannot_be_used_change_nothing(
    serve: Serve, authority: Authority, trusting: ssl.SSLContext
) -> None:
    files = authority.issue("localhost")
    server = serve(hello, tls=settings_for(files))
    Path(files.key).write_text("half a key")
    server.call(server.engine.tls.renew_if_changed)
    assert get(server, trusting) == b"hello"
    assert "there is no private key" in server.reports.take_errors()[0]
    server.call(server.engine.tls.renew_if_changed)
    assert server.reports.take_errors() == []  # told once


@pytest.mark.parametrize("prefix", ["/x", "/xx"])  # of one of them the text is cut in a character
def test_a_long_path_of_letters_of_two_bytes(prefix: str) -> None:
    path = prefix + "é" * 400
    with pytest.raises(ValueError, match=r"cannot read /xx?é"):
        _core.TlsAcceptor().load(((path, None, None, None),))


def test_a_path_with_a_null_character() -> None:
    for certificate, ocsp in (("a\0b", ()), ("a", ("a\0b",))):
        with pytest.raises(ValueError, match="embedded null character"):
            _core.TlsAcceptor().load(((certificate, None, None, None),), ocsp=ocsp)


def test_an_acceptor_without_certificates() -> None:
    with pytest.raises(ValueError, match="needs a certificate"):
        _core.TlsAcceptor().load(())
    with pytest.raises(TypeError):
        _core.TlsAcceptor().load((("a",),))
    with pytest.raises(RuntimeError):
        _core.TlsAcceptor().expires_in()


def test_an_expired_certificate_is_a_warning(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    TlsAcceptor(settings_for(authority.issue("localhost", days=-1)))
    assert "has expired" in caplog.text
    TlsAcceptor(settings_for(authority.issue("localhost", days=2)))
    assert "expires in 4" in caplog.text
