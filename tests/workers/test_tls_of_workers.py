"""A TLS session that one worker has begun is resumed by every other, and after a reload."""

import contextlib
import signal
import socket
import ssl

import pytest
from support.casgi_process import DEADLINE
from support.certificates import Authority

from casgi import _core
from casgi.tls import Certificate, TicketSecret, TlsSettings

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
FEW = 40


class Client:
    """Opens connections with the session of the first, and keeps them."""

    def __init__(self, port: int, authority: Authority, stack: contextlib.ExitStack) -> None:
        self._port = port
        self._stack = stack
        self._context = ssl.create_default_context(cafile=authority.certificate)
        # Where Python's session is complete at once.
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._session: ssl.SSLSession | None = None

    def ask(self) -> tuple[int, bool]:
        """Return who answers, and whether the session was resumed."""
        plain = socket.create_connection(("127.0.0.1", self._port), DEADLINE)
        secure = self._stack.enter_context(
            self._context.wrap_socket(plain, server_hostname="localhost", session=self._session)
        )
        self._session = self._session or secure.session
        secure.sendall(HEAD)
        return int(secure.recv(4096).partition(b"\r\n\r\n")[2]), bool(secure.session_reused)


def test_session_is_resumed_by_every_worker_and_after_a_reload(start, tmp_path):
    authority = Authority(tmp_path)
    files = authority.issue("localhost")
    certificate = ("--ssl-certfile", files.certificate, "--ssl-keyfile", files.key)
    site = start(*certificate, "--linger", "0", "kept:tell_process")
    workers = {site.worker(1), site.worker(2)}
    with contextlib.ExitStack() as stack:
        client = Client(site.port(), authority, stack)
        client.ask()
        answers = [client.ask() for _ in range(FEW)]
        assert {pid for pid, _ in answers} == workers
        assert all(is_resumed for _, is_resumed in answers)
    with contextlib.ExitStack() as stack:
        site.signal(signal.SIGHUP)
        site.stderr.wait_for("The workers were replaced$")
        client._stack = stack
        pid, is_resumed = client.ask()
        assert pid not in workers
        assert is_resumed
    assert site.stop() == 0


def test_sessions_of_other_settings_have_other_keys():
    secret = TicketSecret.new()
    one = TlsSettings((Certificate("one"),))
    assert secret.for_settings(one) == secret.for_settings(TlsSettings((Certificate("one"),)))
    assert secret.for_settings(one) != secret.for_settings(
        TlsSettings((Certificate("one"),), cert_reqs="required")
    )
    assert len(secret.for_settings(one)) == 32
    assert secret.for_settings(one) != TicketSecret.new().for_settings(one)
    assert str(secret.secret) not in repr(secret)


def test_secret_has_32_bytes():
    with pytest.raises(ValueError, match="32 bytes"):
        _core.TlsAcceptor().share_tickets(b"short", 0)
