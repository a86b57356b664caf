"""`casgi ctl` on a server of one process, the command itself, and who may use the socket."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.casgi_process import PROJECT, environment
from support.ws import WebSocketClient

from casgi.control.client import ask
from casgi.control.commands import COMMANDS
from casgi.control.endpoint import ControlSocket
from casgi.control.protocol import ControlError
from casgi.control.tables import table
from casgi.errors import BindError

NOBODY = 65534


def ctl(*arguments: str, folder: Path = PROJECT, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "casgi", "ctl", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_only_its_owner_may_open_the_socket(single):
    assert stat.S_IMODE(os.stat(single.path).st_mode) == 0o600


def test_table_and_json(single):
    printed = ctl("workers", CASGI_CONTROL=single.path)
    assert printed.returncode == 0, printed.stderr
    head, row = printed.stdout.splitlines()
    assert head.split()[:4] == ["WORKER", "PID", "STATE", "AGE"]
    assert row.split()[:3] == ["1", str(single.pid), "serving"]
    printed = ctl("workers", "--json", "--control", single.path)
    answer = json.loads(printed.stdout)
    assert (answer["rows"][0]["pid"], answer["silent"]) == (single.pid, [])


def test_socket_that_the_file_names(single, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f'[tool.casgi]\ncontrol = "{single.path}"\n')
    assert ctl("--json", "limits", folder=tmp_path).returncode == 0
    wrong = ctl("--control", "/nowhere", "limits", folder=tmp_path, CASGI_CONTROL=single.path)
    assert wrong.returncode == 1
    assert "there is no control socket /nowhere: does the server run" in wrong.stderr


def test_nobody_has_named_a_socket():
    refused = ctl("workers")
    assert refused.returncode == 2
    assert refused.stderr == (
        "casgi: name the server's control socket, as the server does: --control PATH,"
        " CASGI_CONTROL, or control in [tool.casgi]\n"
    )


def test_stacks_as_text(single, connect):
    connect(single, "/wait")
    single.wait_for_rows("requests", lambda row: row["path"] == "/wait")
    printed = ctl("stacks", CASGI_CONTROL=single.path)
    assert "await asyncio.Event().wait()" in printed.stdout
    assert "thread MainThread:" in printed.stdout


def test_only_process_is_not_drained(single):
    with pytest.raises(ControlError, match="there is one process"):
        single.rows("drain", worker=1)
    with pytest.raises(ControlError, match="there is no worker 2"):
        single.rows("stacks", worker=2)


def test_kick_and_limits_of_the_only_process(single, connect):
    client = WebSocketClient(connect(single, "/kicked", websocket=True))
    assert client.read_accept().status == 101
    (row,) = single.wait_for_rows("connections", lambda row: row["path"] == "/kicked")
    single.rows("kick", connection=row["connection"])
    assert client.read_frame().payload[:2] == b"\x03\xf0"
    assert single.rows("set", limit="ping_interval", value="7.5")[0]["value"] == 7.5


@pytest.mark.parametrize("value", ["-1", "never"])
def test_time_without_end_is_typed_as_everywhere(single, value):
    done = ctl("--control", single.path, "--json", "set", "http_timeout", value)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["rows"][0]["value"] == "never"


def test_zero_is_a_number_like_others(single):
    done = ctl("--control", single.path, "stacks", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no worker 0" in done.stderr


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"x\n", "a request is one line of JSON"),
        (b"[]\n", "a request is an object of JSON"),
        (b"{}\n", "there is no command None: there are workers, connections,"),
        (b'{"command": "kick"}\n', "kick needs connection"),
        (b'{"command": "kick", "arguments": []}\n', "kick needs connection"),
        (b'{"command": "kick", "arguments": [1]}\n', "the arguments are an object of JSON"),
        (b'{"command": "groups", "arguments": {"x": 1}}\n', "groups takes no x"),
        (b'{"command": "groups", "arguments": {"most": "1"}}\n', "most cannot be '1'"),
        (b'{"command": "groups", "arguments": {"most": true}}\n', "most cannot be True"),
        (b'{"command": "groups", "arguments": {"most": -1}}\n', "most is a number from 1, not -1"),
        (b'{"command": "groups", "arguments": {"most": 0}}\n', "most is a number from 1, not 0"),
        (b'{"worker": 1}\n', "there is no command None"),
        (b"[" * 100_000 + b"\n", "a request is one line of JSON"),
    ],
)
def test_what_is_no_request(single, line, error):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(single.path)
        client.sendall(line)
        assert error in json.loads(client.makefile("rb").readline())["error"]


def test_who_says_nothing_or_half_is_no_harm(single):
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as half:
        silent.connect(single.path)
        half.connect(single.path)
        half.sendall(b'{"command": ')
        half.shutdown(socket.SHUT_WR)
        assert single.rows("workers")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused(single, tmp_path_factory):
    """By the file's mode; and if somebody has opened that, by who asks."""
    code = (
        "import os, sys; from casgi.control.client import ask; os.setuid(int(sys.argv[2]))\n"
        "try: ask(sys.argv[1], 'workers')\n"
        "except Exception as error: print(error)"
    )

    def asked_by_nobody(path: str) -> str:
        # Under /tmp, since the folders of tests are their owner's.
        command = [sys.executable, "-c", code, path, str(NOBODY)]
        return subprocess.check_output(command, text=True, timeout=60)

    link = f"/tmp/casgi-{os.getpid()}"
    folder = Path(single.path).parent
    try:
        os.link(single.path, link)
        assert "only that user and root may control the server" in asked_by_nobody(link)
        os.chmod(link, 0o666)
        assert f"user {NOBODY} may not control this server" in asked_by_nobody(link)
    finally:
        os.chmod(folder / "control", 0o600)
        os.unlink(link)


def test_what_is_not_a_server(tmp_path):
    for name, text in (
        ("missing", "there is no control socket"),
        ("file", "is no socket"),
        ("left", "nobody answers at"),
    ):
        path = tmp_path / name
        if name == "file":
            path.write_text("")
        elif name == "left":
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(path))
        with pytest.raises(ControlError, match=text):
            ask(str(path), "workers")


def test_socket_that_goes_while_it_refuses(tmp_path, monkeypatch):
    """As that of a server in whose place another one starts."""
    path = tmp_path / "left"

    class Refusing(socket.socket):
        def connect(self, address: str) -> None:
            try:
                super().connect(address)
            finally:
                path.unlink()

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(ControlError, match="there is no control socket"):
        ask(str(path), "workers")


def test_socket_takes_the_place_of_nothing_else(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("of somebody")
    with pytest.raises(BindError, match="not a socket"):
        ControlSocket(str(kept))
    first = ControlSocket(str(tmp_path / "socket"))
    with pytest.raises(BindError, match="in use"):
        ControlSocket(str(tmp_path / "socket"))
    os.unlink(tmp_path / "socket")
    second = ControlSocket(str(tmp_path / "socket"))
    first.close()
    assert (tmp_path / "socket").exists()
    second.close()
    assert not (tmp_path / "socket").exists()


def test_every_command_says_what_it_does():
    for command in COMMANDS.values():
        assert command.help.endswith("."), command.name
        assert (command.by_head is None) != (command.in_process is None)


def test_table_writes_nothing_that_moves_a_cursor():
    rows = [{"path": "/\x1b[2J", "unsent": 2048, "age": 3700.0, "user": None}]
    head, line = table(rows, ("path", "unsent", "age", "user"))
    assert head.split() == ["PATH", "UNSENT", "AGE", "USER"]
    assert line == r"/\x1b[2J  2.0 KiB  1 h 1 min     -"
