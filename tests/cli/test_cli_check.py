"""`casgi check`: what it finds, in which words, and the exit code."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.casgi_process import PROJECT, environment
from support.certificates import Authority
from support.redis_server import RedisServer

from casgi import _core
from casgi.checking.findings import Finding
from casgi.checking.listening import check_listening
from casgi.checking.system import check_system
from casgi.config import Config

SETTINGS = """
import json
import os
SECRET_KEY = "x"
DEBUG = False
ALLOWED_HOSTS = ["example.org"]
INSTALLED_APPS = ["casgi", "channels", "django.contrib.staticfiles"]
ASGI_APPLICATION = "asgi.application"
globals().update(json.loads(os.environ.get("SITE", "{}")))
"""
ASGI = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.asgi import get_asgi_application
django = get_asgi_application()
from channels.routing import ProtocolTypeRouter
application = ProtocolTypeRouter({"http": django})
print("the project prints this")
"""
REDIS_LAYERS = ("channels_redis.core.RedisChannelLayer", "casgi.channels.RedisPubSubChannelLayer")

Check = Callable[..., tuple[int, list[dict[str, Any]]]]


def run(*arguments: str, folder: Path = PROJECT, **variables: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "casgi", "check", "-p", "0", *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check a Django project with these settings; return the exit code and the findings."""
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (tmp_path / "asgi.py").write_text(ASGI)

    def checked(*options: str, **settings: Any) -> tuple[int, list[dict[str, Any]]]:
        site = json.dumps(settings)
        arguments = ["--json", *options, "asgi:application"]
        code, output, errors = run(*arguments, folder=tmp_path, SITE=site)
        assert "The hub is away" not in errors
        report = json.loads(output)
        assert report["ok"] is (code == 0)
        return code, report["findings"]

    return checked


def found(findings: list[dict[str, Any]], subject: str) -> tuple[str, str]:
    """Return level and text of the one finding about a subject."""
    (one,) = [each for each in findings if each["subject"] == subject]
    return one["level"], f"{one['text']}\n{one['remedy'] or ''}"


def test_nothing_is_wrong():
    code, output, errors = run("served:hello")
    assert (code, errors) == (0, "")
    assert "ok       application: served:hello is imported\n" in output
    assert "ok       sockets: can listen on TCP address 127.0.0.1:" in output
    assert output.splitlines()[-1].startswith("no errors, ")


@pytest.mark.parametrize(
    ("application", "said"),
    [
        ("absent:application", 'there is no module "absent"'),
        ("served:number", "not callable: it is of type int"),
        ("imports_missing:application", "imports_missing.py, line 3: ModuleNotFoundError: No mod"),
    ],
)
def test_application_that_cannot_be_served(application, said):
    code, output, errors = run(application)
    assert (code, errors) == (1, "")
    (line,) = [line for line in output.splitlines() if line.startswith("error")]
    assert said in line
    assert output.splitlines()[-1].startswith("1 error, ")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def broken(:\n    pass", "broken.py, line 1: SyntaxError: "),
        ("import sys\nsys.exit(7)", "importing broken:application ends the process: 7"),
        ("def f():\n    raise ValueError\nf()", "broken.py, line 2: ValueError"),
        (
            "from django.conf import settings\nsettings.DEBUG",
            "broken.py, line 2: ImproperlyConfigured: ",
        ),
        ("import os\nos.environ['ABSENT']", "broken.py, line 2: KeyError: 'ABSENT'"),
    ],
)
def test_module_that_fails(tmp_path, source, said):
    (tmp_path / "broken.py").write_text(source)
    code, output, errors = run("broken:application", folder=tmp_path)
    assert (code, errors) == (1, "")
    assert said in output
    assert ("DJANGO_SETTINGS_MODULE" in output) is ("django" in source)


def test_options_come_from_the_file_and_are_checked(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.casgi]\nproxy_headers_host = "X-Real-IP"')
    code, output, _ = run("--app-dir", str(PROJECT), "served:hello", folder=tmp_path)
    assert code == 1
    assert "error    options: proxy_headers_host has no effect without proxy_headers" in output


def test_variable_that_is_nearly_an_option():
    code, output, _ = run("served:hello", CASGI_HTTP_TIMOUT="3", CASGI_SOMETHING_ELSE="1")
    assert code == 0
    assert "warning  environment: CASGI_HTTP_TIMOUT is no option's variable" in output
    assert "CASGI_HTTP_TIMEOUT is\n" in output
    assert "CASGI_SOMETHING_ELSE" not in output


def test_threads_that_are_no_number():
    code, output, _ = run("served:hello", ASGI_THREADS="many")
    assert code == 1
    assert "ASGI_THREADS must be a whole number from 1, not 'many'" in output


def test_django_project_in_order(check):
    layer = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    code, findings = check(CHANNEL_LAYERS={"default": layer})
    assert code == 0
    assert found(findings, "settings") == ("ok", "ALLOWED_HOSTS: example.org\n")
    assert found(findings, "INSTALLED_APPS")[0] == "ok"
    level, text = found(findings, "channel layer default")
    assert (level, "delivers a message in" in text) == ("ok", True)


@pytest.mark.parametrize(
    ("settings", "subject", "level", "said"),
    [
        ({"DEBUG": True}, "settings", "warning", "DEBUG is on"),
        ({"ALLOWED_HOSTS": []}, "settings", "error", "every request is answered with 400"),
        ({"ALLOWED_HOSTS": ["*"]}, "settings", "hint", "name the site's hosts"),
        ({"INSTALLED_APPS": ["daphne"]}, "INSTALLED_APPS", "hint", 'in place of "daphne"'),
        (
            {"INSTALLED_APPS": ["django.contrib.staticfiles", "casgi"]},
            "INSTALLED_APPS",
            "warning",
            "casgi must be listed before django.contrib.staticfiles",
        ),
        ({}, "channel layers", "hint", "consumers cannot use groups"),
        (
            {"CHANNEL_LAYERS": {"default": {"BACKEND": "channels_rediss.core.Layer"}}},
            "channel layer default",
            "error",
            "channels_rediss",
        ),
    ],
)
def test_django_project_with_a_fault(check, settings, subject, level, said):
    code, findings = check(**settings)
    assert found(findings, subject)[0] == level
    assert said in found(findings, subject)[1]
    assert code == (1 if level == "error" else 0)


HUB_LAYER = {"default": {"BACKEND": "casgi.channels.ChannelLayer"}}


@pytest.mark.parametrize("options", [["--hub", "hub"], ["--workers", "2"]])
def test_hub_that_the_server_will_run(check, tmp_path, options):
    """As at the first start of a service, whose unit checks before it serves."""
    code, findings = check(*options, CHANNEL_LAYERS=HUB_LAYER)
    assert code == 0, findings
    assert found(findings, "channel layer default")[0] == "ok"
    if "--hub" in options:
        assert found(findings, "hub") == ("ok", f"can be at {tmp_path}/hub\n")
    assert not [name for name in os.listdir(tmp_path) if name.startswith("hub")]


def test_hub_that_only_a_variable_names(check, tmp_path, monkeypatch):
    monkeypatch.setenv("CASGI_HUB", str(tmp_path / "hub"))
    code, findings = check(CHANNEL_LAYERS=HUB_LAYER)
    assert code == 0, findings
    assert found(findings, "channel layer default")[0] == "ok"


def test_hub_that_is_there(check, tmp_path):
    hub = _core.Hub(str(tmp_path / "hub"))
    hub.start()
    try:
        code, findings = check("--hub", "hub", CHANNEL_LAYERS=HUB_LAYER)
        assert hub.metrics()["connected"] > 0
    finally:
        hub.stop()
    assert code == 0, findings
    assert found(findings, "hub") == ("ok", f"there is one at {tmp_path}/hub, which is used\n")


@pytest.mark.parametrize(
    ("options", "subject", "said"),
    [
        (["--hub", "absent/hub"], "hub", "absent/hub: No such file or directory"),
        (["--hub", "asgi.py"], "hub", "a file there that is not a socket"),
        (["--hub", "h" * 100], "hub", "too long"),
        (["--control", "absent/control"], "control", "--control: No such file or directory"),
        (["--metrics", "unix:absent/metrics"], "metrics", "--metrics: No such file or directory"),
    ],
)
def test_other_sockets_that_cannot_be_had(check, options, subject, said):
    code, findings = check(*options, CHANNEL_LAYERS=HUB_LAYER)
    level, text = found(findings, subject)
    assert (code, level) == (1, "error")
    assert said in text
    assert found(findings, "channel layer default")[0] == "ok"


def test_address_of_the_metrics_is_perhaps_the_servers_own(check):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, findings = check("--metrics", str(taken.getsockname()[1]))
    assert (code, found(findings, "metrics")[0]) == (0, "warning")


def redis_layers(url: str) -> dict[str, Any]:
    config = {"hosts": [url]}
    return {name[:6]: {"BACKEND": name, "CONFIG": config} for name in REDIS_LAYERS}


def test_redis_that_answers(check, tmp_path):
    with RedisServer(tmp_path) as redis:
        code, findings = check(CHANNEL_LAYERS=redis_layers(redis.url))
    assert code == 0, findings
    assert found(findings, "channel layer channe")[0] == "ok"
    assert found(findings, "channel layer casgi.")[0] == "ok"


def test_redis_that_is_not_there_and_one_that_is_silent(check):
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as absent:
        absent.bind(("127.0.0.1", 0))
        layers = {}
        for name, one in (("silent", silent), ("absent", absent)):
            url = f"redis://:secret@127.0.0.1:{one.getsockname()[1]}/0"
            for key, value in redis_layers(url).items():
                layers[f"{name} {key}"] = value
        code, findings = check(CHANNEL_LAYERS=layers)
        assert code == 1
        for alias in layers:
            level, text = found(findings, f"channel layer {alias}")
            port = (silent if "silent" in alias else absent).getsockname()[1]
            assert level == "error"
            assert f"redis://127.0.0.1:{port}/0" in text
            assert "secret" not in text
            assert ("within 5 s" if "silent" in alias else "running") in text


def test_sentinels_that_are_not_there(check):
    with socket.socket() as absent:
        absent.bind(("127.0.0.1", 0))
        port = absent.getsockname()[1]
        hosts = [{"sentinels": [["127.0.0.1", port]], "master_name": "mymaster"}]
        layer = {"BACKEND": REDIS_LAYERS[0], "CONFIG": {"hosts": hosts}}
        code, findings = check(CHANNEL_LAYERS={"default": layer})
    level, text = found(findings, "channel layer default")
    assert (code, level) == (1, "error")
    assert f"Sentinels 127.0.0.1:{port}" in text
    assert max(map(len, text.splitlines())) < 400


def one(findings: Any, subject: str) -> Finding:
    (finding,) = [each for each in findings if each.subject == subject]
    return finding


def test_port_in_use_is_perhaps_the_server_itself():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = Config(port=taken.getsockname()[1])
        finding = one(check_listening(config), "sockets")
    assert finding.level == "warning"
    assert "already in use" in finding.text


def test_address_that_cannot_be_had(tmp_path):
    config = Config(unix_socket=str(tmp_path / "absent" / "socket"))
    finding = one(check_listening(config), "sockets")
    assert finding.level == "error"
    assert "No such file or directory" in finding.text


def test_nothing_is_left_behind(tmp_path):
    path = str(tmp_path / "socket")
    assert one(check_listening(Config(unix_socket=path)), "sockets").level == "ok"
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    "config", [Config(fd=93), Config(endpoints=("systemd:domain=INET:index=0",))]
)
def test_inherited_sockets_are_not_looked_at(config):
    assert "inherited" in one(check_listening(config), "sockets").text


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize(
    ("days", "level", "said"),
    [
        (365, "ok", "valid for 36"),
        (20, "warning", "expires in"),
        (-1, "error", "has expired"),
    ],
)
def test_certificate(authority, days, level, said):
    files = authority.issue("example.org", days=days)
    config = Config(port=0, ssl_certfile=(files.certificate,), ssl_keyfile=(files.key,))
    finding = one(check_listening(config), "certificates")
    assert finding.level == level
    assert said in finding.text


def test_certificate_of_an_endpoint_with_the_key_of_another(authority):
    one_pair, another = authority.issue("a.org"), authority.issue("b.org")
    endpoint = f"ssl:0:privateKey={another.key}:certKey={one_pair.certificate}"
    finding = one(check_listening(Config(endpoints=(endpoint,))), "certificates")
    assert finding.level == "error"
    assert one_pair.certificate in finding.text or another.key in finding.text


def test_backlog_that_the_system_makes_shorter(tmp_path):
    somaxconn = tmp_path / "somaxconn"
    somaxconn.write_text("128\n")
    finding = one(check_system(somaxconn=somaxconn), "backlog")
    assert finding.level == "warning"
    assert finding.remedy == "sysctl net.core.somaxconn=2048"
    somaxconn.write_text("4096\n")
    assert one(check_system(somaxconn=somaxconn), "backlog").level == "ok"
    assert [each.subject for each in check_system(somaxconn=tmp_path / "absent")] == ["descriptors"]


def test_descriptors_that_are_few():
    command = f"ulimit -n 256; exec {sys.executable} -m casgi check -p 0 served:hello"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=PROJECT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "warning  descriptors: 256 files and connections per process" in done.stdout
    assert "LimitNOFILE" in done.stdout


def test_descriptors_are_compared_with_the_connections():
    assert one(check_system(10), "descriptors").level == "ok"
    finding = one(check_system(10_000_000), "descriptors")
    assert finding.level == "warning"
    assert "fewer than --max-connections 10000000" in finding.text
