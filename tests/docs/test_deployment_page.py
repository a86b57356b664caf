"""The files of docs/deployment.md are taken by the programs that they are for."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from snippets import of_page

PAGE = "docs/deployment.md"
CASGI = Path(sys.executable).with_name("casgi")
INSTALLED = "/srv/site/venv/bin/casgi"


def commands() -> list[str]:
    """Return every command of casgi that the page's files start."""
    service, _ = of_page(PAGE, "systemd")
    found = re.findall(r"^ExecStart(?:Pre)?=(.+)$", service, re.MULTILINE)
    (supervised,) = of_page(PAGE, "supervisor")
    parser = configparser.RawConfigParser()
    parser.read_string(supervised)
    found.append(parser["program:site"]["command"])
    (procfile,) = of_page(PAGE, "procfile")
    return [*found, procfile.partition(": ")[2].strip()]


@pytest.mark.parametrize("command", commands())
def test_commands_have_options_that_are_taken(command: str, tmp_path: Path) -> None:
    """Nothing is wrong but that there is no such application."""
    words = shlex.split(command.replace("$PORT", "0").replace("-p 8000", "-p 0"))
    assert words[0] in (INSTALLED, "casgi")
    arguments = words[1:] if words[1] == "check" else ["check", *words[1:]]
    done = subprocess.run(
        [str(CASGI), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    (error,) = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert 'there is no module "project.asgi"' in error


def test_units_are_taken_by_systemd(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here")
    service, socket = of_page(PAGE, "systemd")
    assert INSTALLED in service
    (tmp_path / "site.service").write_text(service.replace(INSTALLED, str(CASGI)))
    (tmp_path / "site.socket").write_text(socket)
    for unit in ("site.service", "site.socket"):
        done = subprocess.run(
            [analyze, "verify", "--man=no", str(tmp_path / unit)],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
        )
        ours = [line for line in done.stderr.splitlines() if "site." in line]
        assert (done.returncode, ours) == (0, [])
