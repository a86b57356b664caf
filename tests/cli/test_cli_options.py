"""How options, their spellings and the environment come to be settings."""

import dataclasses
import re

import click
import pytest
from option_values import OPTIONS, config_of
from support.casgi_process import CasgiProcess

from casgi.cli import main
from casgi.command import variable_of
from casgi.config import Config

SHORT = [
    ("-b", "::1", "bind", "::1"),
    ("-p", "9000", "port", 9000),
    ("-u", "x.sock", "unix_socket", "x.sock"),
    ("-t", "7", "http_timeout", 7.0),
    ("-s", "mine", "server_name", "mine"),
]
TIMEOUTS = [field for option, _, field, _ in OPTIONS if option.endswith(("timeout", "interval"))]


def test_without_options_the_settings_are_the_defaults():
    assert config_of() == dataclasses.replace(Config(), access_log="-")


def test_variables_are_named_as_options_and_help_has_none():
    variables = {each.opts[-1]: variable_of(each) for each in main.get_params(click.Context(main))}
    assert variables.pop("--help") is None
    named = [each for each in variables.values() if each is not None]
    assert len(named) > 50
    assert [each for each in named if not re.fullmatch("CASGI(_[A-Z0-9]+)+", each)] == []


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS + SHORT)
def test_option_reaches_its_field(option, value, field, expected):
    assert getattr(config_of(option, value), field) == expected


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_option_can_be_written_with_underscores(option, value, field, expected):
    spelled = "--" + option[2:].replace("-", "_")
    assert getattr(config_of(f"{spelled}={value}"), field) == expected


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_option_can_come_from_the_environment(monkeypatch, option, value, field, expected):
    monkeypatch.setenv("CASGI_" + option[2:].replace("-", "_").upper(), value)
    assert getattr(config_of(), field) == expected


def test_command_line_comes_before_environment(monkeypatch):
    monkeypatch.setenv("CASGI_PORT", "1")
    assert config_of("-p", "2").port == 2


@pytest.mark.parametrize("field", TIMEOUTS)
def test_minus_one_is_never(field):
    assert getattr(config_of("--" + field.replace("_", "-"), "-1"), field) is None


@pytest.mark.parametrize("field", sorted({*TIMEOUTS} - {"application_close_timeout"}))
def test_zero_is_never(field):
    assert getattr(config_of("--" + field.replace("_", "-"), "0"), field) is None


def test_applications_can_have_no_time_to_close():
    assert config_of("--application-close-timeout", "0").application_close_timeout == 0


def test_headers_can_be_left_out():
    config = config_of("--no-server-name", "--no-date-header")
    assert config.server_name is None
    assert config.date_header is False


def test_channels_can_be_left_as_it_is():
    assert config_of().accelerate is True
    assert config_of("--no-accelerate").accelerate is False


def test_sharing_can_be_verified():
    assert config_of().verify_shared is False
    assert config_of("--verify-shared").verify_shared is True


def test_empty_server_name_is_none_as_for_daphne():
    assert config_of("--server-name", "").server_name is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "-"),
        (["-v", "0"], None),
        (["-v", "2"], "-"),
        (["-v", "0", "--access-log", "-"], "-"),
        (["-v", "0", "--access-log", "x.log"], "x.log"),
    ],
)
def test_access_log_goes_to_stdout_from_verbosity_1_on(arguments, expected):
    assert config_of(*arguments).access_log == expected


@pytest.mark.parametrize("value", ["-1", "4", "much"])
def test_verbosity_is_0_to_3(value):
    with pytest.raises(click.BadParameter):
        config_of("-v", value)


def test_proxy_headers_have_names():
    assert config_of().proxy_headers is False
    names = ["--proxy-headers-host", "X-Real-IP", "--proxy-headers-port", "X-Real-Port"]
    config = config_of("--proxy-headers", *names)
    assert config.proxy_headers is True
    assert config.proxy_headers_host == "X-Real-IP"
    assert config.proxy_headers_port == "X-Real-Port"


def test_endpoints_add_up():
    assert config_of().endpoints == ()
    config = config_of("-e", "tcp:8000", "--endpoint", "unix:/run/x.sock")
    assert config.endpoints == ("tcp:8000", "unix:/run/x.sock")


def test_version_of_an_environment_variable_is_not_an_option(monkeypatch):
    monkeypatch.setenv("CASGI_VERSION", "0.1.0")
    assert config_of() == dataclasses.replace(Config(), access_log="-")


def test_version_is_printed():
    process = CasgiProcess("--version")
    try:
        assert process.wait() == 0
        assert len(process.stdout.lines()) == 1
        assert process.stdout.lines()[0].startswith("casgi 0.")
    finally:
        process.close()


def test_application_can_come_from_the_environment(casgi, get):
    process = casgi("-p", "0", variables={"CASGI_APPLICATION": "served:hello"})
    assert get(process.port()) == "hello"


@pytest.mark.parametrize("option", ["--max-requests", "--max-rss", "--worker-lifetime"])
def test_limit_at_which_nobody_replaces_the_process_is_told(casgi, get, option):
    process = casgi("-p", "0", option, "1000", "served:hello")
    process.stderr.wait_for(f"WARNING .*{option} has no effect on one process.*: add --workers 2")
    assert get(process.port())
    assert process.stop() == 0
