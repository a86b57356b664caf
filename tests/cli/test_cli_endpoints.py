"""`-e`: Twisted's endpoint strings, served by casgi as daphne serves them."""

import json
import os
import socket
import stat
import subprocess
import sys

import pytest
from support.casgi_process import DEADLINE, PROJECT, environment

from casgi import sockets
from casgi.config import Config
from casgi.endpoints import (
    DescriptorEndpoint,
    SystemdEndpoint,
    TcpEndpoint,
    UnixEndpoint,
    parse_endpoint,
)
from casgi.errors import ConfigError

# Prints how Twisted splits endpoint strings, in a process of its own.
SPLIT_BY_TWISTED = """
import json, sys
from twisted.internet.endpoints import _parse
print(json.dumps([_parse(text) for text in json.load(sys.stdin)]))
"""
STRINGS = [
    "tcp:8000",
    "tcp:port=8000:interface=127.0.0.1",
    r"tcp:8000:interface=\:\:1",
    r"unix:/a\:b\\c",
    "unix:address=/x=y",
    "unix:/x:mode=660",
    r"unix:/a\=b",
    "systemd:domain=INET:index=0",
    "tcp::interface=",
    "tcp",
    "",
    ":",
    r"unix:a\b",
]
# Runs the rest of the command line as the process that systemd has given descriptor 3.
AS_SYSTEMD = """
import os, sys
descriptor, names = int(sys.argv[1]), sys.argv[2]
os.dup2(descriptor, 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=names)
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp:8000", TcpEndpoint(8000)),
        ("TCP:8000", TcpEndpoint(8000)),
        ("tcp:80:127.0.0.1:9", TcpEndpoint(80, "127.0.0.1", 9)),
        ("tcp:backlog=9:port=80:interface=localhost", TcpEndpoint(80, "localhost", 9)),
        (r"tcp:80:interface=\:\:1", TcpEndpoint(80, "::1")),
        (r"tcp:80:interface=[\:\:1]", TcpEndpoint(80, "::1")),
        ("tcp6:80", TcpEndpoint(80, "::")),
        (r"tcp6:80:interface=\:\:1:backlog=7", TcpEndpoint(80, "::1", 7)),
        ("unix:/run/x", UnixEndpoint("/run/x")),
        ("unix:/run/x:mode=660:backlog=3:lockfile=0", UnixEndpoint("/run/x", 0o660, 3)),
        (r"unix:address=C\:/x", UnixEndpoint("C:/x")),
        ("fd:fileno=3", DescriptorEndpoint(3)),
        ("fd:3", DescriptorEndpoint(3)),
        ("systemd:domain=INET:index=2", SystemdEndpoint(index=2)),
        ("systemd:INET6:name=web", SystemdEndpoint(name="web")),
    ],
)
def test_string_is_understood(text, endpoint):
    assert parse_endpoint(text) == endpoint


def test_strings_are_split_as_by_twisted():
    from casgi.endpoints import _split

    command = [sys.executable, "-W", "ignore", "-c", SPLIT_BY_TWISTED]
    done = subprocess.run(
        command, input=json.dumps(STRINGS), capture_output=True, text=True, check=True, timeout=60
    )
    assert [list(_split(text)) for text in STRINGS] == json.loads(done.stdout)


@pytest.mark.parametrize(
    ("written", "path"),
    [(r"/run/a\:b", "/run/a:b"), (r"C\:\\run", r"C:\run"), ("plain", "plain"), ("a=b", "a=b")],
)
def test_backslash_takes_the_next_character_as_it_is(written, path):
    assert parse_endpoint(f"unix:address={written}") == UnixEndpoint(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ssl:443:key.pem:certificate.pem:TLSv1_METHOD", "sslmethod must be one of SSLv23_METHOD"),
        ("ssl:privateKey=key.pem", "port is missing"),
        ("tls:example.org:tcp:443", "write ssl:443:privateKey=key.pem:certKey=certificate.pem"),
        ("haproxy:tcp:80", "PROXY protocol is not there yet: .*--proxy-headers"),
        ("onion:80", "HiddenServicePort"),
        ("stdio:", "standard input"),
        ("http:80", "'http' is no kind of endpoint: there are fd, ssl, systemd, tcp"),
        ("8000", "'8000' is no kind"),
        ("", "'' is no kind"),
        ("tcp", "port is missing"),
        ("tcp:", "port is missing"),
        ("tcp:http", "port must be a whole number, not 'http'"),
        ("tcp:-1", "port must be a whole number"),
        ("tcp:65536", "from 0 to 65535"),
        ("tcp:80:port=81", "port is given twice"),
        ("tcp:80:host=x", "'host' is not an argument of it: it takes port, interface, backlog"),
        ("tcp:80:::1", r"4 values are too many: .*; a colon within one is written \\:"),
        ("tcp:80:interface=::1", r"interface is given twice; a colon within one is written \\:"),
        ("unix:", "address is missing"),
        ("unix:/x:mode=999", "mode must be octal"),
        ("unix:/x:mode=rw", "mode must be octal"),
        ("unix:/x:lockfile=yes", "lockfile must be 0 or 1"),
        ("unix:/x:wantPID=1", "'wantPID' is not an argument"),
        ("fd:fileno=x", "fileno must be a whole number"),
        ("systemd:domain=INET", "either index or name"),
        ("systemd:domain=INET:index=0:name=x", "either index or name"),
        ("systemd:index=0", "domain is missing"),
        ("systemd:domain=APPLETALK:index=0", "domain must be INET"),
    ],
)
def test_string_that_cannot_be_served(text, complaint):
    with pytest.raises(ConfigError, match=complaint) as raised:
        Config(endpoints=(text,))
    assert repr(text) in str(raised.value)


def test_one_text_is_no_tuple_of_endpoints():
    with pytest.raises(ConfigError, match="must be a tuple"):
        Config(endpoints="tcp:80")


def test_endpoint_has_its_backlog(tmp_path):
    config = Config(endpoints=("tcp:0:interface=127.0.0.1:backlog=5", f"unix:{tmp_path}/x"))
    bound = sockets.bind_sockets(config)
    try:
        assert [one.backlog for one in bound] == [5, 2048]
    finally:
        for one in bound:
            one.close()


def test_chosen_port_is_free_on_each_address(monkeypatch):
    """The system chooses for the first: on another somebody else may have it."""
    addresses = [(socket.AF_INET, None, None, "", (f"127.0.0.{host}", 0)) for host in (1, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    bind_one = sockets._tcp_socket
    taken = []

    def bind_late(family, address):
        if address[1] != 0 and len(taken) < 2:
            taken.append(socket.create_server(address))
        return bind_one(family, address)

    monkeypatch.setattr(sockets, "_tcp_socket", bind_late)
    first, second = sockets.bind_sockets(Config(bind="two.example", port=0))
    assert first.address[1] == second.address[1]
    assert first.address[1] not in [server.getsockname()[1] for server in taken]
    for opened in (first, second, *taken):
        opened.close()


def test_tcp_without_an_interface_is_every_address_of_ipv4(casgi, get):
    process = casgi("-e", "tcp:port=0", "served:hello")
    assert process.stderr.wait_for(r"TCP address 0\.0\.0\.0:\d+$")
    assert get(process.port()) == "hello"


def test_several_endpoints_beside_the_other_options(casgi, get, tmp_path):
    paths = [str(tmp_path / name) for name in ("one", "two")]
    arguments = ["-e", f"unix:{paths[0]}:mode=600", "-e", "tcp:0:interface=127.0.0.1"]
    process = casgi(*arguments, "-u", paths[1], "-p", "0", "served:hello")
    lines = [process.stderr.wait_for(f"UNIX socket {path}$") for path in paths]
    assert all(lines)
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in paths]
    assert modes == [0o600, 0o666]
    assert process.stop() == 0
    tcp = [line for line in process.stderr.lines() if "Listening on TCP address 127.0.0.1:" in line]
    assert len(tcp) == 2
    assert not any(os.path.exists(path) for path in paths)


def test_endpoint_alone_is_all_there_is(casgi, tmp_path):
    process = casgi("-e", f"unix:{tmp_path}/socket", "served:hello")
    process.stderr.wait_for("Listening on UNIX socket")
    assert process.stop() == 0
    assert not [line for line in process.stderr.lines() if "TCP" in line]


def test_endpoint_from_the_environment(casgi, get):
    variables = {"CASGI_ENDPOINT": "tcp:0:interface=127.0.0.1"}
    process = casgi("served:hello", variables=variables)
    assert get(process.port()) == "hello"


def test_descriptor(casgi, get):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        number = bound.fileno()
        process = casgi("-e", f"fd:fileno={number}", "served:hello", fds=(number,))
        assert get(process.port()) == "hello"


def test_refusal_names_the_string_and_ends_with_2(casgi):
    process = casgi("-e", "onion:80", "served:hello")
    assert process.wait() == 2
    assert process.stderr.lines()[0].startswith("casgi: endpoint 'onion:80': let Tor's")


def test_systemd_has_passed_nothing(casgi):
    process = casgi("-e", "systemd:domain=INET:index=0", "served:hello")
    assert process.wait() == 2
    assert process.stderr.wait_for(r"systemd has passed 0 sockets \(LISTEN_FDS\), none of index 0")


def start_as_systemd(server: str, where: str, listening: socket.socket) -> subprocess.Popen[str]:
    """Start a server as a socket-activated service whose socket is called web."""
    rest = ["-m", server, "-e", where, "served:hello"]
    return subprocess.Popen(
        [sys.executable, "-c", AS_SYSTEMD, str(listening.fileno()), "web", *rest],
        cwd=PROJECT,
        env=environment(),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(listening.fileno(),),
        text=True,
    )


@pytest.mark.parametrize("server", ["daphne", "casgi"])
@pytest.mark.parametrize("argument", ["index=0", "name=web"])
def test_socket_of_systemd(server, argument, get):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = start_as_systemd(server, f"systemd:domain=INET:{argument}", listening)
        try:
            assert get(listening.getsockname()[1]) == "hello"
        finally:
            process.terminate()
            process.wait(DEADLINE)


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "forgotten"])
def test_forgotten_socket_of_systemd_is_told(monkeypatch, caplog, is_named):
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        named = Config(endpoints=(f"fd:fileno={listening.fileno()}",))
        for bound in sockets.bind_sockets(named if is_named else Config(port=0)):
            bound.close()
    told = [record.message for record in caplog.records if "LISTEN_FDS" in record.message]
    assert len(told) == (0 if is_named else 1)
