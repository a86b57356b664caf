"""`manage.py runserver` with "casgi" in INSTALLED_APPS."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from runserver_process import STATICFILES, Runserver, StartRunserver, environment, manage
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

CSS = "/static/news/news.css"


def get(served: Runserver, path: str = "/") -> httpx.Response:
    return httpx.get(served.url + path, timeout=20, trust_env=False)


def websocket(served: Runserver, path: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{served.port}{path}", proxy=None)


def test_serves_and_says_what(runserver: StartRunserver) -> None:
    served = runserver()
    assert get(served).text == "first edition"
    assert get(served, CSS).text == "body { color: teal; }\n"
    assert get(served, "/none/?a=1").status_code == 404
    assert get(served).headers["server"] == "casgi"
    with websocket(served, "/echo/") as client:
        client.send("hello")
        assert client.recv() == "hello"
    with pytest.raises(InvalidStatus, match="403"):
        websocket(served, "/refusing/")
    for line in (
        "Performing system checks...\n\nSystem check identified no issues",
        r"Django version \S+, using settings 'site_of_runserver.settings'\n",
        rf"Starting ASGI/casgi version \S+ development server at {served.url}/\n",
        r"HTTP GET / 200 \[\d\.\d\d, 127\.0\.0\.1:\d+\]\n",
        rf"HTTP GET {CSS} 200 ",
        r"HTTP GET /none/\?a=1 404 ",
        r"WebSocket HANDSHAKING /echo/ \[127\.0\.0\.1:\d+\]\n",
        r"WebSocket CONNECT /echo/ ",
        r"WebSocket DISCONNECT /echo/ ",
        r"WebSocket REJECT /refusing/ ",
    ):
        served.wait_for(line)


def test_lines_are_those_of_daphne(runserver: StartRunserver) -> None:
    """Its own lines differ in nothing but its name, its time and the ports of clients."""
    logs = []
    for server in ("daphne", "casgi"):
        served = runserver("--noreload", first_app=server)
        get(served)
        get(served, "/none/")
        with websocket(served, "/echo/"):
            served.wait_for("WebSocket CONNECT")
        served.wait_for("WebSocket DISCONNECT")
        served.stop()
        logs.append(served.log_text())
        served.log.unlink()
    kinds = [
        [line.split(" [")[0] for line in log.splitlines() if line.startswith(("HTTP", "WebS"))]
        for log in logs
    ]
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) == 5


@pytest.mark.parametrize(
    ("options", "debug", "status"),
    [
        (["--nostatic"], "1", 404),
        ([], "0", 404),
        (["--insecure"], "0", 200),
        (["--insecure", "--nostatic"], "0", 404),
    ],
)
def test_static_files(
    runserver: StartRunserver, options: list[str], debug: str, status: int
) -> None:
    served = runserver("--noreload", *options, SITE_DEBUG=debug)
    assert get(served, CSS).status_code == status
    assert get(served).status_code == 200


def test_noasgi_is_djangos_own(runserver: StartRunserver) -> None:
    served = runserver("--noreload", "--noasgi")
    assert get(served).text == "first edition"
    assert get(served, CSS).status_code == 200
    assert "WSGIServer" in get(served).headers["server"]
    assert "Starting development server at" in served.log_text()


def test_without_staticfiles(runserver: StartRunserver) -> None:
    served = runserver("--noreload", SITE_APPS="casgi channels news")
    assert get(served).text == "first edition"
    assert get(served, CSS).status_code == 404


@pytest.mark.parametrize("options", [[], ["-6"], ["--ipv6"]])
def test_ipv6(runserver: StartRunserver, options: list[str]) -> None:
    served = runserver(*options, host="[::1]")
    assert get(served).text == "first edition"
    served.wait_for(rf"development server at http://\[::1\]:{served.port}/")


def test_traceback_of_a_consumer(runserver: StartRunserver) -> None:
    served = runserver()
    with websocket(served, "/failing/") as client, pytest.raises(ConnectionClosed):
        client.send("spinach")
        client.recv(timeout=20)
    served.wait_for("ValueError: the consumer does not like spinach")
    assert 'news/consumers.py", line' in served.log_text()


@pytest.mark.parametrize(
    ("options", "variables", "code"),
    [
        (["--websocket-max-message-size", "4"], {}, 1009),
        (["--websocket_max_message_size=4"], {}, 1009),
        ([], {"SITE_MESSAGE_SIZE": "4"}, 1009),
        ([], {"CASGI_WEBSOCKET_MAX_MESSAGE_SIZE": "4"}, 1009),
        (["--websocket-max-message-size", "40"], {"SITE_MESSAGE_SIZE": "4"}, None),
    ],
)
def test_options_of_casgi(
    runserver: StartRunserver, options: list[str], variables: dict[str, str], code: int | None
) -> None:
    served = runserver("--noreload", *options, **variables)
    with websocket(served, "/echo/") as client:
        client.send("too long")
        if code is None:
            assert client.recv(timeout=20) == "too long"
        else:
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=20)
            assert client.close_code == code


def test_options_of_a_file(runserver: StartRunserver, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.casgi]\nwebsocket_max_message_size = 4\n")
    with websocket(runserver("--noreload"), "/echo/") as client:
        client.send("too long")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=20)
        assert client.close_code == 1009


def test_stops_in_order(runserver: StartRunserver) -> None:
    served = runserver("--noreload")
    with websocket(served, "/echo/") as client:
        served.wait_for("WebSocket CONNECT")
        served.terminate()
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=20)
        assert client.close_code == 1012
    assert served.wait() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere:at:all"], "is not a valid port number or address:port pair"),
        (["80000"], "port must be from 0 to 65535, not 80000"),
        (["--http-timeout", "soon"], "'soon' is not a valid float"),
        (["--write-high-water", "0"], "write_high_water must be a whole number from 1"),
        (["--slow-consumer", "ignore"], "'ignore' is not one of"),
        (["--no-such-option"], "unrecognized arguments"),
    ],
)
def test_wrong_options(folder: Path, options: list[str], message: str) -> None:
    ended = manage(folder, "runserver", *options)
    assert ended.returncode != 0
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("options", [[], ["--noreload"]])
def test_port_in_use(folder: Path, options: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = manage(folder, "runserver", *options, str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert "the address is already in use" in ended.stderr


def test_without_an_application(folder: Path) -> None:
    ended = manage(folder, "runserver", SITE_APPLICATION="")
    assert ended.returncode == 1
    assert "Set ASGI_APPLICATION" in ended.stderr
    ended = manage(folder, "runserver", "--noreload", "0", SITE_APPLICATION="nowhere.application")
    assert "'nowhere.application' could not be loaded: No module named 'nowhere'" in ended.stderr


def test_wsgi_application(folder: Path) -> None:
    name = "wsgiref.simple_server.demo_app"
    ended = manage(folder, "runserver", "--noreload", "0", SITE_APPLICATION=name)
    assert ended.returncode == 1
    assert "CommandError: the application takes two arguments, as WSGI" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_order_of_apps_is_checked_as_daphne_checks_it(folder: Path) -> None:
    said = {}
    for server in ("daphne", "casgi"):
        ended = manage(folder, "check", SITE_APPS=f"{STATICFILES} {server} channels news")
        assert ended.returncode == 1
        assert f"{server}.E001" in ended.stderr
        said[server] = ended.stderr
    sentence = "must be listed before django.contrib.staticfiles in INSTALLED_APPS."
    assert f"Daphne {sentence}" in said["daphne"]
    assert f"casgi {sentence}" in said["casgi"]
    assert "casgi.W001" in manage(folder, "check", first_app="daphne casgi").stderr
    assert manage(folder, "check").stdout == manage(folder, "check", first_app="daphne").stdout


LIST_OPTIONS = """
import json, sys, django
from django.core.management import load_command_class
django.setup()
parser = load_command_class(sys.argv[1], "runserver").create_parser("manage.py", "runserver")
print(json.dumps(sorted(parser._option_string_actions)))
"""


def options_of(server: str, folder: Path) -> set[str]:
    variables = environment(server, DJANGO_SETTINGS_MODULE="site_of_runserver.settings")
    command = [sys.executable, "-c", LIST_OPTIONS, server]
    listed = subprocess.run(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, check=True, timeout=60
    )
    return set(json.loads(listed.stdout))


def test_takes_every_option_of_daphnes_and_of_casgis_own(folder: Path) -> None:
    from casgi.cli import main
    from casgi.development.options import NOT_OFFERED

    offered = options_of("casgi", folder)
    assert options_of("daphne", folder) - offered == set()
    for option in main.params:
        if option.param_type_name == "option" and not getattr(option, "is_eager", False):
            assert option.name in NOT_OFFERED or set(option.opts) <= offered


OWN_COMMAND = """
from casgi.management.commands.runserver import Command as Runserver


class Command(Runserver):
    server_cls = dict
"""


def test_server_cls_of_a_subclass_is_said_to_have_no_effect(folder: Path, tmp_path: Path) -> None:
    commands = folder / "news" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "runserver.py").write_text(OWN_COMMAND)
    for package in (commands, commands.parent):
        (package / "__init__.py").touch()
    variables = environment(SITE_APPS=f"news casgi {STATICFILES} channels")
    with Runserver(folder, tmp_path / "log", "--noreload", variables=variables) as served:
        served.wait_for("server_cls = dict has no effect: casgi is the server")


def test_closes_its_sockets(folder: Path, tmp_path: Path) -> None:
    variables = environment(PYTHONWARNINGS="error::ResourceWarning")
    with Runserver(folder, tmp_path / "log", "--noreload", variables=variables) as served:
        assert get(served).status_code == 200
    assert "ResourceWarning" not in served.log_text()


def test_what_is_refused_is_on_the_console(runserver: StartRunserver) -> None:
    served = runserver("--noreload")
    with socket.create_connection(("127.0.0.1", served.port), 20) as client:
        client.sendall(b"GET / HTTP/9.9\r\n\r\n")
        client.recv(4096)
    served.wait_for("INFO Refused an invalid request of 127.0.0.1 with ")
