"""What a user sees who got something wrong: one line, and exit code 2."""

import os
import socket
from pathlib import Path

import pytest
from support.casgi_process import CasgiProcess


def run(*arguments: str, fds: tuple[int, ...] = ()) -> CasgiProcess:
    """Return the process of a command line that cannot be served, after its end."""
    process = CasgiProcess(*arguments, fds=fds)
    try:
        process.wait()
    finally:
        process.close()
    return process


def refusal(*arguments: str, fds: tuple[int, ...] = ()) -> str:
    """Return the one line that a command line is refused with."""
    process = run(*arguments, fds=fds)
    lines = process.stderr.lines()
    assert process.wait() == 2, lines
    assert len(lines) == 1, lines
    assert process.stdout.lines() == []
    return lines[0]


@pytest.mark.parametrize(
    ("application", "said"),
    [
        ("served", "write module:attribute"),
        (":hello", "write module:attribute"),
        ("served:", "write module:attribute"),
        ("served.py:hello", "write the module as Python imports it, served"),
        ("./nested/asgi.py:application", "write the module as Python imports it, nested.asgi"),
        ("absent:application", 'no module "absent"'),
        ("absent.asgi:application", 'no module "absent.asgi" (there is no "absent")'),
        ("nested.absent:application", 'no module "nested.absent"'),
        ("served:absent", 'module "served" has no attribute "absent"'),
        ("nested.asgi:holder.absent.x", 'has no attribute "holder.absent.x"'),
        ("served:number", "not callable: it is of type int"),
        ("served:number()", "not callable"),
        ("served:wsgi", "WSGI"),
        ("served:asyncio.Event", "does not take the arguments of ASGI"),
        ("served:patient", "name it with () behind, in quotes"),
        ("served:make_async()", "is an async function"),
        ("/srv/site/served.py:hello", "with its folder: --app-dir /srv/site served:..."),
        ("../site/served:hello", "with its folder: --app-dir ../site served:..."),
        ("patched_by_gevent:application", "gevent has replaced Python's threads"),
    ],
)
def test_application_that_is_none(application, said):
    assert said in refusal("-p", "0", application)


def test_error_inside_the_module_is_shown_with_its_traceback():
    process = run("imports_missing:application")
    lines = process.stderr.lines()
    assert process.wait() == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert "imports_missing.py" in lines[1]
    assert lines[-2] == "ModuleNotFoundError: No module named 'a_module_that_nobody_has'"
    assert lines[-1].startswith('casgi: importing "imports_missing:application" failed')


def test_app_dir_that_is_not_there():
    assert '"/nowhere"' in refusal("--app-dir", "/nowhere", "served:hello")


@pytest.mark.parametrize("option", ["--reload", "--workers=2", "-v1"])
def test_current_folder_that_was_removed(tmp_path: Path, option: str):
    """As a deployment does that puts a new folder in the place of the old one."""
    removing = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh"]
    process = CasgiProcess("-p", "0", option, "served:hello", folder=tmp_path, prefix=removing)
    try:
        assert process.wait() == 2
        assert "the current folder has been removed" in process.stderr.lines()[-1]
        assert len(process.stderr.lines()) == 1
    finally:
        process.close()


def test_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        expected = f"casgi: cannot listen on 127.0.0.1:{port}: the address is already in use"
        assert refusal("-p", port, "served:hello") == expected


def test_address_of_another_machine():
    assert "192.0.2.1:80" in refusal("-b", "192.0.2.1", "-p", "80", "served:hello")


def test_unknown_host():
    assert "cannot listen on no.such.host.invalid" in refusal(
        "-b", "no.such.host.invalid", "served:hello"
    )


def test_port_out_of_range():
    assert "port must be from 0 to 65535" in refusal("-p", "70000", "served:hello")


def test_size_below_its_least():
    assert "max_headers must be a whole number from 1" in refusal(
        "--max-headers", "0", "served:hello"
    )


def test_unix_socket_in_a_folder_that_is_not_there(tmp_path: Path):
    path = str(tmp_path / "absent" / "socket")
    assert refusal("-u", path, "served:hello") == (
        f"casgi: cannot listen on {path}: No such file or directory"
    )


def test_unix_socket_over_a_file(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("precious")
    assert "not a socket" in refusal("-u", str(path), "served:hello")
    assert path.read_text() == "precious"


def test_unix_socket_of_a_running_server(tmp_path: Path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(path)
        taken.listen()
        assert "already in use" in refusal("-u", path, "served:hello")
        assert os.path.exists(path)


def test_unix_socket_with_a_path_that_is_too_long(tmp_path: Path):
    assert "too long" in refusal("-u", str(tmp_path / ("x" * 200)), "served:hello")


def test_descriptor_that_is_not_open():
    assert "file descriptor 99: Bad file descriptor" in refusal("--fd", "99", "served:hello")


def test_descriptor_that_is_a_file(tmp_path: Path):
    with (tmp_path / "file").open("w") as file:
        fd = file.fileno()
        assert f"file descriptor {fd}" in refusal("--fd", str(fd), "served:hello", fds=(fd,))


def test_descriptor_of_a_datagram_socket():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        fd = datagram.fileno()
        assert "not a TCP or Unix stream socket" in refusal(
            "--fd", str(fd), "served:hello", fds=(fd,)
        )


def test_access_log_in_a_folder_that_is_not_there(tmp_path: Path):
    path = str(tmp_path / "absent" / "access.log")
    assert refusal("-p", "0", "--access-log", path, "served:hello") == (
        f"casgi: cannot write the access log {path}: No such file or directory"
    )


def test_option_that_is_not_there():
    process = run("--wrong", "served:hello")
    assert process.wait() == 2
    assert "--wrong" in process.stderr.lines()[-1]
