"""Virtual environments with older releases of Channels, made once and kept under build/."""

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
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
    lines = REQUIREMENTS.read_text().splitlines()
    requirements = [line for line in lines if not line.startswith("#")]
    return python_with("channels-2", requirements, BY_THEMSELVES)


def python_with(name: str, requirements: Sequence[str], by_themselves: Sequence[str] = ()) -> Path:
    """Return the Python of an environment; what comes by itself comes without its dependencies."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = ROOT / "build" / f"{name}-python-{version}"
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    wanted = f"{requirements}{by_themselves}\n"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        _install(python, *requirements)
        if by_themselves:
            _install(python, "--no-deps", *by_themselves)
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
