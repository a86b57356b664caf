"""A virtual environment with Channels 2.1.3, made once and kept under build/."""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
# What these ask for is at odds with the asgiref that Channels 2 asks for, and yet not needed.
BY_THEMSELVES = ("channels_redis==4.2.1", "redis>=5", "async-timeout>=4.0.3")
# What pip says when it cannot reach its index.
UNREACHABLE = ("Connection", "connection", "Temporary failure", "timed out", "ProxyError")
SECONDS = 300


class RegistryUnreachable(Exception):
    """There is no way to the packages, as pip says in the text."""


def legacy_python() -> Path:
    """Return the environment's Python, with casgi's dependencies but not casgi itself."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = ROOT / "build" / f"channels-2-python-{version}"
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    wanted = f"{REQUIREMENTS.read_text()}{BY_THEMSELVES}\n"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        _install(python, "-r", str(REQUIREMENTS))
        _install(python, "--no-deps", *BY_THEMSELVES)
        stamp.write_text(wanted)
    return python


def _install(python: Path, *arguments: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--retries", "1", "--timeout", "15", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    if done.returncode == 0:
        return
    if any(word in done.stderr for word in UNREACHABLE):
        raise RegistryUnreachable(done.stderr.strip().splitlines()[-1])
    raise AssertionError(done.stderr)
