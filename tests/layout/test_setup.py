"""What `make chat` and `make test` need from their scripts and from the servers of the tests."""

import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[2]


def check_port(port: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "check_port.py", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_port_that_is_taken_is_said_with_another_to_take() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        checked = check_port(taken.getsockname()[1])
        assert checked.returncode == 1
        assert "is taken. Take another one: make chat PORT=" in checked.stderr
    suggested = checked.stderr.strip().rpartition("=")[2]
    assert check_port(suggested).returncode == 0


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1"])
def test_word_that_is_no_port(port: str) -> None:
    checked = check_port(port)
    assert checked.returncode == 1
    assert "is no port; take a number from 1 to 65535" in checked.stderr


def test_servers_of_other_programs_start_without_the_sanitizers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD", "libcasgi-not-there.so")  # The loader says so and goes on.
    with RedisServer(tmp_path) as server:
        assert "libcasgi-not-there" not in server.log_text()


def test_test_modules_have_names_of_their_own() -> None:
    """Those of two folders cannot have the same, unless a folder is a package."""
    modules = (ROOT / "tests").rglob("test_*.py")
    names = Counter(each.name for each in modules if not (each.parent / "__init__.py").exists())
    assert [name for name, count in names.items() if count > 1] == []
