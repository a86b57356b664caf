"""Children that an application makes: whatever they do, the server and its clients go on."""

import http.client
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE


@pytest.mark.parametrize(
    ("way", "result"),
    [
        ("fork", "7"),
        ("interrupted", "1"),
        ("process", "7"),
        ("terminated", "True"),
        ("subprocess", "7"),
        ("preexec", "7"),
    ],
)
def test_child_that_leaves_does_not_damage_the_server(casgi, tmp_path: Path, way: str, result: str):
    path = tmp_path / "site.socket"
    process = casgi("-p", "0", "-u", str(path), "--access-log", "/dev/null", "stopped:forking")
    port = process.port()
    process.stderr.wait_for("Listening on UNIX socket")
    waiting = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    waiting.request("GET", "/")
    assert waiting.getresponse().read() == b""
    assert request(port, way) == result
    # The connections that were there, new ones, and another child.
    waiting.request("GET", f"/{way}")
    assert waiting.getresponse().read() == result.encode()
    assert request(port, "") == ""
    assert path.exists()
    assert process.stop() == 0
    assert process.stdout.lines() == ["shutdown in the server"]
    assert [line for line in process.stderr.lines() if "Shutting down" in line][1:] == []
    assert not path.exists()
    waiting.close()


def request(port: int, way: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("GET", f"/{way}")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
