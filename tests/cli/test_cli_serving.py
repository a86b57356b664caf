"""Where the command listens, what it finds the application by, and what it writes."""

import grp
import http.client
import os
import pwd
import re
import socket
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, PROJECT, environment


def get_unix(path: str) -> bytes:
    """Return what a server on a Unix socket answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(path)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: client.recv(4096), b""))


def has_ipv6() -> bool:
    """Whether the machine has ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def test_tcp(casgi, get):
    process = casgi("-p", "0", "served:hello")
    assert get(process.port()) == "hello"
    assert process.stderr.wait_for("INFO +Listening on TCP address 127.0.0.1:")


def test_script_is_installed(casgi):
    script = Path(sysconfig.get_path("scripts"), "casgi")
    done = subprocess.run(
        [script, "--version"], env=environment(), capture_output=True, timeout=60, check=True
    )
    assert done.stdout.startswith(b"casgi ")


def test_current_folder_is_on_the_path(casgi, get, tmp_path):
    (tmp_path / "mine.py").write_text((PROJECT / "served.py").read_text())
    assert get(casgi("-p", "0", "mine:hello", folder=tmp_path).port()) == "hello"


def test_app_dir_is_on_the_path(casgi, get, tmp_path):
    arguments = ["--app-dir", str(PROJECT), "-p", "0", "nested.asgi:holder.inner.application"]
    assert get(casgi(*arguments, folder=tmp_path).port()) == "hello"


@pytest.mark.parametrize(
    ("application", "answer"),
    [("served:make_application()", "hello"), ("served:Double", "double")],
)
def test_factories_and_asgi_2_are_served(casgi, get, application, answer):
    assert get(casgi("-p", "0", application).port()) == answer


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_ipv6(casgi, get, host):
    process = casgi("-b", host, "-p", "0", "served:hello")
    assert process.stderr.wait_for(r"TCP address \[::1\]:\d+$")
    assert get(process.port(), "::1") == "hello"


@needs_ipv6
def test_every_address_of_ipv6_includes_those_of_ipv4(casgi, get):
    port = casgi("-b", "::", "-p", "0", "served:hello").port()
    assert get(port, "127.0.0.1") == get(port, "::1") == "hello"


def test_host_name(casgi, get):
    assert get(casgi("-b", "localhost", "-p", "0", "served:hello").port(), "localhost") == "hello"


def test_unix_socket_is_made_for_everybody_and_removed(casgi, tmp_path):
    path = str(tmp_path / "socket")
    process = casgi("-u", path, "served:hello")
    process.stderr.wait_for(f"Listening on UNIX socket {re.escape(path)}$")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
    assert get_unix(path).endswith(b"hello")
    assert process.stop() == 0
    assert not os.path.exists(path)


def test_unix_socket_with_mode_and_owner(casgi, tmp_path):
    path = tmp_path / "socket"
    group = grp.getgrgid(os.getgid()).gr_name
    options = ("-u", str(path), "--unix-socket-mode", "660", "--unix-socket-owner")
    casgi(*options, f"{os.getuid()}:{group}", "served:hello").stderr.wait_for("UNIX socket")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())
    assert get_unix(str(path)).endswith(b"hello")


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_unix_socket_of_another_group(casgi, tmp_path):
    path = tmp_path / "socket"
    nobody = pwd.getpwnam("nobody")
    casgi("-u", str(path), "--unix-socket-owner", "nobody:1", "served:hello").stderr.wait_for(
        "UNIX"
    )
    assert (path.stat().st_uid, path.stat().st_gid) == (nobody.pw_uid, 1)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            ["-u", "x.sock", "--unix-socket-mode", "rw"],
            "unix_socket_mode must be octal permissions",
        ),
        (["-u", "x.sock", "--unix-socket-mode", "888"], "unix_socket_mode must be octal"),
        (["-u", "x.sock", "--unix-socket-owner", "no-such"], "there is no user 'no-such' here"),
        (["-u", "x.sock", "--unix-socket-owner", ":no-such"], "there is no group 'no-such' here"),
        (["-u", "x.sock", "--unix-socket-owner", ":"], "an owner is user, user:group or :group"),
        (["--unix-socket-mode", "600"], "unix_socket_mode has no effect without"),
        (["-u", "@x", "--unix-socket-owner", "root"], "unix_socket_owner has no effect without"),
    ],
)
def test_mode_and_owner_are_checked(casgi, options, complaint):
    process = casgi(*options, "served:hello")
    assert process.wait() == 2
    assert process.stderr.wait_for(complaint)


def test_abstract_unix_socket(casgi):
    name = f"@casgi-test-{os.getpid()}"
    process = casgi("-u", name, "served:hello")
    assert process.stderr.wait_for(f"Listening on UNIX socket {name}")
    assert get_unix("\0" + name[1:]).endswith(b"hello")
    second = casgi("-e", f"unix:{name}", "served:hello")
    assert second.wait() == 2
    assert second.stderr.wait_for(f"cannot listen on {name}: the address is already in use")
    assert process.stop() == 0
    assert not Path(name).exists()


def test_unix_socket_of_a_server_that_was_killed_is_replaced(casgi, tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(path)
    process = casgi("-u", path, "served:hello")
    process.stderr.wait_for("Listening on UNIX socket")
    assert get_unix(path).endswith(b"hello")


def test_unix_socket_that_another_server_took_over_is_left(casgi, tmp_path):
    path = str(tmp_path / "socket")
    process = casgi("-u", path, "served:hello")
    process.stderr.wait_for("Listening on UNIX socket")
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        assert process.stop() == 0
        assert os.path.exists(path)


def test_inherited_descriptor(casgi, get):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        process = casgi("--fd", str(bound.fileno()), "served:hello", fds=(bound.fileno(),))
        assert process.port() == bound.getsockname()[1]
        assert get(process.port()) == "hello"


def test_descriptor_that_listens_already(casgi, get):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = casgi("--fd", str(listening.fileno()), "served:hello", fds=(listening.fileno(),))
        assert get(process.port()) == "hello"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(get, closed):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fd = listening.fileno()
        line = f'exec "$0" -m casgi --fd {fd} --access-log - served:hello {closed}'
        command = ["sh", "-c", line, sys.executable]
        with subprocess.Popen(command, cwd=PROJECT, env=environment(), pass_fds=[fd]) as process:
            try:
                assert get(listening.getsockname()[1]) == "hello"
                process.terminate()
                assert process.wait(DEADLINE) == 0
            finally:
                process.kill()


def test_several_places_at_once(casgi, get, tmp_path):
    path = str(tmp_path / "socket")
    process = casgi("-u", path, "-p", "0", "served:hello")
    assert get(process.port()) == "hello"
    assert get_unix(path).endswith(b"hello")


def test_access_log_on_standard_output(casgi, get):
    process = casgi("-p", "0", "served:hello")
    get(process.port())
    assert process.stdout.wait_for("GET /")


def test_access_log_is_appended_to_a_file(casgi, get, tmp_path):
    log = tmp_path / "access.log"
    log.write_text("earlier\n")
    process = casgi("-p", "0", "--access-log", str(log), "served:hello")
    get(process.port())
    assert process.stop() == 0
    earlier, line = log.read_text().splitlines()
    assert earlier == "earlier"
    assert "GET /" in line
    assert process.stdout.lines() == []


def test_verbosity_0_is_silent(casgi, get, tmp_path):
    path = str(tmp_path / "socket")
    process = casgi("-v", "0", "-p", "0", "-u", path, "served:with_lifespan")
    process.stdout.wait_for("startup")
    assert process.stop() == 0
    assert process.stderr.lines() == []
    assert process.stdout.lines() == ["startup", "shutdown", "after shutdown"]


def test_log_format(casgi):
    process = casgi("-p", "0", "--log-fmt", "<%(name)s> %(message)s", "served:hello")
    assert process.stderr.wait_for("^<casgi.server> Listening")


def test_project_that_disables_loggers_does_not_silence_the_server(casgi):
    process = casgi("-p", "0", "silences_loggers:application")
    assert process.port()


@pytest.mark.parametrize(
    ("arguments", "server", "has_date"),
    [
        ([], "casgi", True),
        (["-s", "mine"], "mine", True),
        (["--no-server-name", "--no-date-header"], None, False),
    ],
)
def test_headers_of_the_server(casgi, arguments, server, has_date):
    connection = http.client.HTTPConnection(
        "127.0.0.1", casgi("-p", "0", *arguments, "served:hello").port(), timeout=20
    )
    connection.request("GET", "/")
    response = connection.getresponse()
    connection.close()
    assert response.headers["Server"] == server
    assert ("Date" in response.headers) is has_date
