"""`--proxy-headers` and `Daphne-Root-Path` on the command line, compared with daphne's."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, PROJECT, environment
from support.ports import free_port
from support.raw import RawClient, request
from support.server_process import ServerProcess
from support.ws import WebSocketClient

from casgi.config import Config
from casgi.errors import ConfigError

HOST = "127.0.0.1"
FOR = "X-Forwarded-For: "
PORT = "X-Forwarded-Port: "
PROTO = "X-Forwarded-Proto: "


class Told(ServerProcess):
    """A server process that answers with what its scope says."""

    def __init__(self, server: str, folder: Path, *options: str) -> None:
        port = free_port()
        command = [sys.executable, "-m", server, "-b", HOST, "-p", str(port), *options]
        log = folder / f"{server}-{port}.log"
        super().__init__([*command, "served:tell_scope"], port, log, PROJECT, environment())

    def http(self, *headers: str) -> dict[str, object]:
        """Return what the scope of a request with these headers says."""
        with RawClient(socket.create_connection((HOST, self.port), DEADLINE)) as client:
            client.send(request("/told", headers=headers))
            told: dict[str, object] = json.loads(client.read_response().body)
            return told

    def websocket(self, *headers: str) -> dict[str, object]:
        """Return what the scope of a WebSocket with these headers says."""
        with WebSocketClient(socket.create_connection((HOST, self.port), DEADLINE)) as client:
            client.handshake("/told", headers=headers)
            told: dict[str, object] = json.loads(client.read_text())
            client.finish()
            return told


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Told]]:
    """Serve the same application by daphne and by casgi, with --proxy-headers."""
    folder = tmp_path_factory.mktemp("both")
    daphne, casgi = (Told(server, folder, "--proxy-headers") for server in ("daphne", "casgi"))
    with daphne, casgi:
        yield [daphne, casgi]


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([FOR + "192.0.2.1"], ["192.0.2.1", 0]),
        ([FOR + "192.0.2.1", PORT + "1234"], ["192.0.2.1", 1234]),
        ([FOR + "192.0.2.1, 198.51.100.2", PORT + "80"], ["192.0.2.1", 80]),
        ([FOR + "  192.0.2.1  "], ["192.0.2.1", 0]),
        ([FOR + "192.0.2.1", PORT + "https"], ["192.0.2.1", 0]),
        ([FOR + "2001:db8::1", PORT + "80"], ["2001:db8::1", 80]),
        ([FOR + "192.0.2.1", FOR + "198.51.100.2"], ["192.0.2.1", 0]),
        (["x-forwarded-for: 192.0.2.1"], ["192.0.2.1", 0]),
    ],
)
def test_client_is_daphnes(both, headers, client):
    assert [server.http(*headers)["client"] for server in both] == [client, client]
    assert [server.websocket(*headers)["client"] for server in both] == [client, client]


def test_port_without_an_address_is_nothing_as_for_daphne(both):
    for server in both:
        host, port = server.http(PORT + "1234")["client"]
        assert host == HOST
        assert port not in (0, 1234)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_scheme_is_daphnes(both, scheme):
    headers = [FOR + "192.0.2.1", PROTO + scheme]
    assert [server.http(*headers)["scheme"] for server in both] == [scheme, scheme]


def test_scheme_without_an_address_is_nothing_as_for_daphne(both):
    assert [server.http(PROTO + "https")["scheme"] for server in both] == ["http", "http"]


def test_scheme_of_a_websocket_follows_which_daphne_does_not_tell(both):
    headers = [FOR + "192.0.2.1", PROTO + "https"]
    assert [server.websocket(*headers)["scheme"] for server in both] == [None, "wss"]


def test_root_path_header_is_daphnes(both):
    for server in both:
        for ask in (server.http, server.websocket):
            told = ask("Daphne-Root-Path: /by%20header")
            assert told["root_path"] == "/by header"
            assert not told["has_root_path_header"]


@pytest.mark.parametrize("server", ["daphne", "casgi"])
def test_headers_of_other_names(server, tmp_path):
    names = ["--proxy-headers-host", "X-Real-IP", "--proxy-headers-port", "X-Real-Port"]
    with Told(server, tmp_path, "--proxy-headers", *names) as told:
        answer = told.http("X-Real-IP: 192.0.2.1", "X-Real-Port: 7", FOR + "192.0.2.9")
        assert answer["client"] == ["192.0.2.1", 7]


@pytest.mark.parametrize("server", ["daphne", "casgi"])
def test_without_the_option_the_headers_are_only_headers(server, tmp_path):
    with Told(server, tmp_path) as told:
        answer = told.http(FOR + "192.0.2.1", PROTO + "https")
        assert answer["client"][0] == HOST
        assert answer["scheme"] == "http"


@pytest.mark.parametrize("server", ["daphne", "casgi"])
def test_access_log_has_the_forwarded_address(server, tmp_path):
    log = tmp_path / "access"
    with Told(server, tmp_path, "--proxy-headers", "--access-log", str(log)) as told:
        told.http(FOR + "192.0.2.1", PORT + "1234")
        told.websocket(FOR + "192.0.2.2", PORT + "5")
        told.stop()
    lines = [line.partition(" [")[0] for line in log.read_text().splitlines()]
    assert lines == ["192.0.2.1:1234 - -", *["192.0.2.2:5 - -"] * 3]


def test_nobody_is_believed_who_is_not_on_the_list(tmp_path):
    options = ["--proxy-headers", "--trusted-proxies", "10.0.0.0/8"]
    with Told("casgi", tmp_path, *options, "--root-path", "/own") as told:
        answer = told.http(FOR + "192.0.2.1", PROTO + "https", "Daphne-Root-Path: /theirs")
        assert answer["client"][0] == HOST
        assert answer["scheme"] == "http"
        assert answer["root_path"] == "/own"
        assert not answer["has_root_path_header"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"proxy_headers_host": "X-Real-IP"}, "has no effect without proxy_headers"),
        ({"proxy_headers_port": "X-Port"}, "has no effect without proxy_headers"),
        ({"forwarded_host": True}, "has no effect without proxy_headers or forwarded"),
        ({"proxy_headers": True, "forwarded": True}, "give forwarded or proxy_headers"),
        ({"proxy_headers": True, "proxy_headers_host": "X Real"}, "name of a header"),
        ({"proxy_headers": True, "proxy_headers_host": "X_Real"}, "name of a header"),
        ({"proxy_headers": True, "proxy_headers_host": "x" * 64}, "name of a header"),
        ({"trusted_proxies": "localhost"}, "must be addresses, networks"),
        ({"trusted_proxies": "10.0.0.0/33"}, "must be addresses, networks"),
        ({"trusted_proxies": "*, ::1"}, "must be addresses, networks"),
    ],
)
def test_settings_that_make_no_sense(settings, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Config(**settings)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("*", "*"),
        ("", ""),
        ("127.0.0.1", "127.0.0.1/32"),
        (" 10.1.2.3/8 , ::1 ", "10.0.0.0/8,::1/128"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
    ],
)
def test_list_reaches_the_core_in_one_form(text, canonical):
    assert Config(trusted_proxies=text).core_options()["trusted_proxies"] == canonical
