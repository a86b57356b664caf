"""Each mistake is made: what is said then tells what to do."""

import contextlib
import socket

import pytest
from support.casgi_process import CasgiProcess
from support.ws import upgrade
from test_cli_errors import run

from casgi.cli import main, make_config
from casgi.command_hints import split_host_and_port


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--log-level", "debug"], "-v 2 debugging"),
        (["--log_level=info"], "-v 2 debugging"),
        (["--reload-delay", "1"], "--reload waits no longer than a save takes"),
        (["-k", "uvicorn.workers.UvicornWorker"], "--workers says how many"),
        (["--max-requests-jitter", "50"], "below --max-requests"),
        (["--timeout-graceful-shutdown", "3"], "--application-close-timeout"),
        (["--no-use-colors"], "there are none"),
        (["--ws", "websockets"], "it is built in"),
        (["--loop", "uvloop"], "casgi.serve() runs in any other"),
        (["--env-file", ".env"], "by who starts casgi"),
        (["--certfile", "a"], "write --ssl-certfile"),
        (["--daemon"], "a service manager does that"),
        (["--settings", "site.settings"], "DJANGO_SETTINGS_MODULE"),
        (["--insecure"], "manage.py runserver"),
        (["--no-server-header"], "--no-server-name"),
        (["--no-such-thing"], "No such option"),
    ],
)
def test_options_of_other_servers(arguments, said):
    process = run(*arguments, "served:hello")
    assert process.wait() == 2
    assert said in process.stderr.lines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-b", "0.0.0.0:8000"], "--bind 0.0.0.0 --port 8000"),
        (["-b", "[::1]:8000"], "--bind [::1] --port 8000"),
        (["-b", "unix:/run/site.sock"], "--unix-socket /run/site.sock"),
        (["--access-log", "none"], "--no-access-log"),
        (["--access-log", "Off"], "--no-access-log"),
        (["--access-log", ""], "--no-access-log"),
    ],
)
def test_values_of_other_servers(arguments, said):
    process = run(*arguments, "served:hello")
    assert process.wait() == 2
    assert len(process.stderr.lines()) == 1
    assert said in process.stderr.lines()[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["8000"], "write --port 8000"),
        (["0.0.0.0:8000"], "write --bind 0.0.0.0 --port 8000"),
        (["[::1]:8000"], "write --bind [::1] --port 8000"),
        (["other:application"], "more than an application: other:application"),
        (["8000", "8001"], "more than an application: 8000 8001"),
    ],
)
def test_arguments_of_runserver(arguments, said):
    process = run("served:hello", *arguments)
    assert process.wait() == 2
    assert process.stderr.lines()[-1].endswith(said)


@pytest.mark.parametrize("host", ["localhost", "::1", "[::1]", "fe80::1", "0.0.0.0"])
def test_hosts_that_have_no_port(host):
    assert split_host_and_port(host) is None


def settings_of(*arguments: str) -> dict[str, object]:
    return main.make_context("casgi", [*arguments, "app:app"]).params


def test_names_of_the_same_thing():
    assert settings_of("--host", "::1")["bind"] == "::1"
    assert settings_of("--uds", "x.sock")["unix_socket"] == "x.sock"


def test_no_access_log():
    names = ("application", "app_dir", "log_fmt", "log_config")
    given = {k: v for k, v in settings_of("--no-access-log").items() if k not in names}
    assert make_config(**given).access_log is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("served:helo", 'did you mean "hello"?'),
        ("served:xyz", "it has "),
        ("nested.asgi:holdr", 'did you mean "holder"?'),
        ("served:Double.x", 'has no attribute "Double.x"'),
    ],
)
def test_attribute_that_is_not_there(name, said):
    assert said in run("-p", "0", name).stderr.lines()[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("early_model:application", "call get_asgi_application() before the imports"),
        ("too_early:application", "set DJANGO_SETTINGS_MODULE in the environment"),
    ],
)
def test_django_that_is_not_set_up(name, said):
    process = run("-p", "0", name)
    assert process.wait() == 1
    assert said in process.stderr.lines()[-2]


def test_start_has_a_link(casgi):
    process = casgi("-b", "0.0.0.0", "-p", "0", "served:hello")
    assert process.stderr.wait_for(rf"Serving http://127.0.0.1:{process.port()}/$")


def shake_hands(process: CasgiProcess, data: bytes = b"") -> bytes:
    """Open a WebSocket, send, and return all that comes."""
    with socket.create_connection(("127.0.0.1", process.port()), 20) as client:
        client.sendall(upgrade("/") + data)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(4096):
                received += part
        return received


@pytest.mark.parametrize("application", ["without_layer", "without_layer_in_groups"])
def test_missing_channel_layer(casgi, application):
    process = casgi("-p", "0", f"mistaken:{application}")
    shake_hands(process)
    process.stderr.wait_for("ERROR .*: there is no channel layer: set CHANNEL_LAYERS")


@pytest.mark.parametrize("application", ["without_layer", "without_layer_in_groups"])
def test_channel_layer_that_cannot_be_made(casgi, application):
    """Channels says of it what it says of none."""
    process = casgi("-p", "0", f"mistaken:{application}", variables={"WITH_LAYER": "broken"})
    process.stderr.wait_for(r"default cannot be made \(KeyError\('TIME_ZONE'\)\)$")
    shake_hands(process)
    process.stderr.wait_for(
        r"ERROR .*: the channel layer default cannot be made: KeyError\('TIME_ZONE'\); see"
    )


def test_error_of_an_application_while_no_channel_layer_can_be_made(casgi, get):
    """What is tried to find out why is no reason for the error not to be written."""
    variables = {"WITH_LAYER": "nowhere"}
    process = casgi("-p", "0", "--lifespan=off", "mistaken:of_another_layer", variables=variables)
    get(process.port())
    process.stderr.wait_for("ERROR .*GET /: the channel layer default cannot be made: Invalid")
    process.stderr.wait_for("AttributeError: 'NoneType' object has no attribute 'group_send'")


@pytest.mark.parametrize("variables", [{"WITH_QUEUES": "1"}, {}], ids=["queues", "no-queues"])
def test_queues_of_gevent(casgi, get, variables):
    process = casgi(
        "-p", "0", "--lifespan=off", "queues_of_gevent:application", variables=variables
    )
    assert get(process.port()) == "hello"
    assert process.stop() == 0
    told = [line for line in process.stderr.lines() if "WARNING  gevent has replaced" in line]
    assert len(told) == len(variables)
    assert all("queue=False" in line for line in told)


@pytest.mark.parametrize("application", ["sleeping", "yielding", "with_nursery"])
def test_application_for_trio(casgi, get, application):
    process = casgi("-p", "0", "--lifespan=off", f"of_trio:{application}")
    get(process.port())
    process.stderr.wait_for("ERROR .*GET /: trio's functions run in a loop of trio's only, .*anyio")


def test_consumer_that_never_accepts(casgi):
    options = ("--websocket-connect-timeout", "0.1")
    process = casgi("-p", "0", *options, "mistaken:never_accepting")
    assert shake_hands(process).startswith(b"HTTP/1.1 403")
    process.stderr.wait_for(
        "WARNING .*neither accepted nor closed .*await self.accept.*websocket /"
    )


def test_message_that_has_no_handler(casgi):
    process = casgi("-p", "0", "mistaken:Misspelled.as_asgi()", variables={"WITH_LAYER": "1"})
    shake_hands(process, b"\x81\x80\0\0\0\0")
    process.stderr.wait_for(
        'ERROR .*"type": "chat.mesage", for which Misspelled has no method chat_mesage.. but'
        " chat_message..; each consumer"
    )
