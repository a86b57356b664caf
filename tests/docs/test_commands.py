"""Every command that a page has somebody type is one that works, as far as it can be tried here."""

from __future__ import annotations

import grp
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from snippets import PAGES, ROOT, Snippet, commands

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
PACKAGES = (ROOT / "scripts" / "system-packages.sh").read_text()
# Run as they stand by the tests of these pages.
RUN_ELSEWHERE = {
    "docs/from-daphne.md": "tests/frameworks/test_from_daphne.py",
    "docs/runserver.md": "tests/runserver/test_docs_of_runserver.py",
}
MANAGE_COMMANDS = {"casgi_handlers", "check", "collectstatic", "migrate", "runserver", "test"}
VARIABLES = {"CASGI_DEBUG", "CASGI_WERROR"}


def run_casgi(words: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "casgi", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "pyshim"), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def check_casgi(words: list[str], folder: Path) -> None:
    """The options are taken: nothing is wrong but that there is no such application."""
    (folder / "staticfiles").mkdir()
    if words[0] in ("ctl", "top"):
        check_control(words, folder)
        return
    if "--reload" in words:  # It would wait for the module to be written.
        words = ["check", *words]
    # A group that the page has made up.
    words = [word.replace(":shop", f":{grp.getgrgid(os.getgid()).gr_name}") for word in words]
    done = run_casgi(words, folder, PORT="8000")
    if "--from-daphne" in words:
        assert done.returncode == 0, done.stderr
        return
    missing = f'there is no module "{words[-1].partition(":")[0]}"'
    said = done.stdout.replace('\\"', '"') if words[0] == "check" else done.stderr
    assert missing in said, done.stderr


def check_control(words: list[str], folder: Path) -> None:
    """It is one of `casgi ctl`, or `casgi top`: nothing is wrong but that no server runs."""
    once = ["--once"] if words[0] == "top" else []
    done = run_casgi([*words, *once], folder, CASGI_CONTROL="site.control")
    assert done.returncode != 0
    assert "there is no control socket site.control" in done.stderr


def check_gunicorn(words: list[str], folder: Path) -> None:
    """Gunicorn takes its options, with the worker class and the application."""
    (folder / "project").mkdir()
    (folder / "project" / "asgi.py").write_text("def application(scope, receive, send): ...")
    command = [sys.executable, "-m", "gunicorn", "--check-config", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "pyshim")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def check_completion(words: list[str], folder: Path) -> None:
    (text,) = words
    command = re.search(r"_CASGI_COMPLETE=\w+ casgi", text)
    assert command
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    written = subprocess.check_output(command[0], shell=True, env=env, text=True, timeout=60)
    assert "_casgi_completion" in written


def check_refusal(line: str, said: str, folder: Path) -> None:
    """The command ends with what the page shows below it."""
    assert said.startswith("casgi: ")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        line, shell=True, cwd=folder, env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr.strip()) == (2, said)


def check_make(words: list[str], folder: Path) -> None:
    targets = [word for word in words if "=" not in word]
    assert targets and set(targets) <= TARGETS
    variables = [word.partition("=")[0] for word in words if "=" in word]
    assert all(re.search(rf"\b{name}\b", MAKEFILE) for name in variables)


def check_apt(words: list[str], folder: Path) -> None:
    assert words[0] == "install"
    packages = {re.sub(r"^python3-", "python$version-", word) for word in words[1:]}
    assert {word for word in packages if word not in PACKAGES} == set()


def check_pip(words: list[str], folder: Path) -> None:
    """casgi is in no registry: it is installed from a folder."""
    if words[0] == "install":
        assert "casgi" not in words
        assert not any(word.startswith("casgi=") for word in words)


def check_python(words: list[str], folder: Path) -> None:
    if words[0] == "manage.py":
        assert words[1] in MANAGE_COMMANDS
    elif words[0] == "-m" and re.fullmatch(r"bench(\.\w+)?", words[1]):
        command = [sys.executable, *words, "--help"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=60)
    else:
        assert words[:2] in (["-m", "pytest"], ["-m", "venv"])


CHECKS: dict[str, Callable[[list[str], Path], None]] = {
    "casgi": check_casgi,
    "make": check_make,
    "apt-get": check_apt,
    "eval": check_completion,
    "gunicorn": check_gunicorn,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
}
# Those of others, and of the shell.
TAKEN_AS_THEY_ARE = {
    "cd",
    "cp",
    "curl",
    "daphne",
    "docker",
    "echo",
    "find",
    "git",
    "kill",
    "kubectl",
    "source",
}

COMMANDS = commands()


@pytest.mark.parametrize(("snippet", "line"), COMMANDS, ids=[f"{s} {c}" for s, c in COMMANDS])
def test_command(snippet: Snippet, line: str, tmp_path: Path) -> None:
    if snippet.page in RUN_ELSEWHERE:
        tests = (ROOT / RUN_ELSEWHERE[snippet.page]).read_text()
        assert f'"docs" / "{Path(snippet.page).name}"' in tests
        return
    if snippet.language == "console" and "\ncasgi: " in snippet.text:
        check_refusal(line, snippet.text.partition(f"{line}\n")[2].partition("\n")[0], tmp_path)
        return
    for part in re.split(r"\s*(?:&&|\|\|)\s*", line.partition(" #")[0]):
        words = shlex.split(part)
        while words[0] in ("sudo", "exec") or words[0].partition("=")[0] in VARIABLES:
            words.pop(0)
        program = words[0].removeprefix(".venv/bin/")
        program = program.removeprefix("/srv/site/venv/bin/")
        if program not in TAKEN_AS_THEY_ARE:
            CHECKS[program](words[1:], tmp_path)


def test_no_page_says_to_install_it_from_a_registry() -> None:
    for page in PAGES:
        told = re.findall(
            r"pip3? install (?:--?\S+ )*[\"']?casgi\b(?![-.\w]*\.whl)", page.read_text()
        )
        assert told == [], page
