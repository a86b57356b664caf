"""Log files that are renamed while the server writes to them, as logrotate does."""

import errno
import json
import logging
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, PROJECT, environment

from casgi.log_files import reopen_logs


def log_config(folder: Path) -> str:
    """Return the file that sets up logging into a file."""
    handler = {"class": "logging.FileHandler", "filename": str(folder / "site.log")}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"file": handler, "stderr": {"class": "logging.StreamHandler"}},
        "root": {"level": "INFO", "handlers": ["file", "stderr"]},
    }
    path = folder / "logging.json"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_files_are_opened_anew(casgi, get, tmp_path, number):
    access, errors = tmp_path / "access.log", tmp_path / "site.log"
    options = ("--access-log", str(access), "--log-config", log_config(tmp_path))
    process = casgi("-p", "0", *options, "served:hello", start_new_session=True)
    port = process.port()
    assert get(port) == "hello"
    access.rename(tmp_path / "access.log.1")
    errors.rename(tmp_path / "site.log.1")
    process.signal(number)
    process.stderr.wait_for("The logs were opened anew")
    assert get(port) == "hello"
    assert process.stop() == 0
    assert len((tmp_path / "access.log.1").read_text().splitlines()) == 1
    assert len(access.read_text().splitlines()) == 1
    assert "Listening" in (tmp_path / "site.log.1").read_text()
    assert "Shutting down" in errors.read_text()


def test_signal_that_comes_before_the_server_opens_them_anew_then(casgi, get, tmp_path):
    variables = {"GO_ON": str(tmp_path / "go-on")}
    process = casgi("-p", "0", "served:patient()", variables=variables)
    process.stdout.wait_for("^importing$")
    process.signal(signal.SIGUSR1)
    (tmp_path / "go-on").touch()
    assert get(process.port()) == "hello"
    process.stderr.wait_for("The logs were opened anew")
    assert process.stop() == 0


def test_signal_that_comes_after_the_server_ends_no_process(casgi):
    process = casgi("-p", "0", "own_signals:application", variables={"AT_EXIT": "1"})
    process.port()
    assert process.stop() == 0


def test_file_that_cannot_be_opened_anew_is_said_and_the_old_one_kept(casgi, get, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    access = folder / "access.log"
    process = casgi("-p", "0", "--access-log", str(access), "served:hello")
    port = process.port()
    folder.rename(tmp_path / "moved")
    process.signal(signal.SIGUSR1)
    process.stderr.wait_for("Cannot open the logs anew: .*No such file")
    assert get(port) == "hello"
    assert process.stop() == 0
    assert len((tmp_path / "moved" / "access.log").read_text().splitlines()) == 1


@pytest.mark.parametrize("variable", ["PYTHON_HANDLER", "C_HANDLER", "IGNORED"])
def test_what_the_application_does_with_the_signal_stays(casgi, get, variable):
    process = casgi("-p", "0", "own_signals:application", variables={variable: "1"})
    port = process.port()
    process.signal(signal.SIGUSR1)
    if variable == "PYTHON_HANDLER":
        process.stdout.wait_for("^own handler$")
    elif variable == "C_HANDLER":
        process.stderr.wait_for("most recent call first")
    assert get(port) == "hello"
    assert process.stop() == 0
    assert not [line for line in process.stderr.lines() if "opened anew" in line]


def test_terminal_that_goes_stops_the_server(tmp_path):
    ours, theirs = pty.openpty()
    log = tmp_path / "log"
    script = (
        "import os, sys; os.setsid(); os.open(os.ttyname(0), os.O_RDWR);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-m", "casgi", "-p", "0", "served:hello"]
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *command],
            cwd=PROJECT,
            env=environment(),
            stdin=theirs,
            stdout=file,
            stderr=file,
        )
    try:
        os.close(theirs)
        wait_for(log, "Listening on")
        os.close(ours)
        assert process.wait(DEADLINE) == 0
        assert "SIGHUP: the terminal has gone" in log.read_text()
    finally:
        process.kill()
        process.wait()


def wait_for(log: Path, text: str) -> None:
    tail = ["timeout", str(DEADLINE), "tail", "-F", "-n", "+1", str(log)]
    with subprocess.Popen(tail, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        found = any(text in line for line in reader.stdout)
        reader.kill()
    assert found


def test_log_that_cannot_be_opened_anew_keeps_its_file_and_no_other(tmp_path, caplog):
    gone, stays = tmp_path / "gone" / "log", tmp_path / "stays"
    gone.parent.mkdir()
    rotating = logging.getLogger("tests.rotating")
    handlers = [logging.FileHandler(gone), logging.FileHandler(stays)]
    for handler in handlers:
        rotating.addHandler(handler)
    try:
        gone.rename(tmp_path / "kept")
        gone.parent.rmdir()
        stays.rename(tmp_path / "rotated")
        assert not reopen_logs()
        assert "Cannot open the logs anew" in caplog.text
        rotating.error("afterwards")
    finally:
        for handler in handlers:
            rotating.removeHandler(handler)
            handler.close()
    assert (tmp_path / "kept").read_text() == stays.read_text() == "afterwards\n"
    assert (tmp_path / "rotated").read_text() == ""


def test_access_log_on_a_full_disk(casgi, get):
    """Requests are answered, and the log says once what is lost."""
    process = casgi("-p", "0", "--access-log", "/dev/full", "served:hello")
    port = process.port()
    for _ in range(3):
        assert get(port) == "hello"
    process.stderr.wait_for("the access log are lost")
    assert process.stop() == 0
    said = [line for line in process.stderr.lines() if "access log are lost" in line]
    assert len(said) == 1
    assert os.strerror(errno.ENOSPC) in said[0]
