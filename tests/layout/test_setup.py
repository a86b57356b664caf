"""What `make chat` and `make test` need from their scripts and from the servers of the tests."""

import shutil
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


def system_without_python(folder: Path, candidate: str) -> dict[str, str]:
    """Return the environment of a Debian that has no Python, but a package of one."""
    commands = folder / "bin"
    commands.mkdir()
    for name in ("sh", "id", "sed", "grep"):
        (commands / name).symlink_to(shutil.which(name) or name)
    fakes = {
        "dpkg-query": "echo installed",
        "apt-cache": f'echo "  Candidate: {candidate}"',
        "apt-get": 'echo "apt-get $*"',
        "sudo": '"$@"',
        "env": 'shift; "$@"',
    }
    for name in ("cc", "pkg-config"):
        fakes[name] = "exit 0"
    for name, script in fakes.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    return {"PATH": str(commands), "HOME": str(folder), "PYTHON": "python3", "CI": "true"}


def run_script(name: str, *words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "scripts" / name), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)


def test_python_is_installed_where_there_is_none(tmp_path: Path) -> None:
    system = system_without_python(tmp_path, "3.13.5-1")
    assert run_script("find-python.sh", env=system).stdout == "python3\n"
    installed = run_script("system-packages.sh", "chat", env=system)
    assert installed.returncode == 0, installed.stderr
    assert installed.stdout.endswith(" python3 python3-venv python3-dev\n")
    assert installed.stderr == ""
    for_tests = run_script("system-packages.sh", "test", env=system).stdout.splitlines()[-1]
    assert " python3 " in for_tests
    assert " libpython3.13-testsuite " in for_tests


def test_release_whose_python_is_too_old(tmp_path: Path) -> None:
    system = system_without_python(tmp_path, "3.10.6-1~22.04.1")
    refused = run_script("system-packages.sh", "chat", env=system)
    assert refused.returncode == 1
    assert "no Python 3.11 or newer; name one: make PYTHON=/path/to/python" in refused.stderr
    assert "apt-get install" not in refused.stdout


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
