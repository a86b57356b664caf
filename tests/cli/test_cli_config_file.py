"""Options in `[tool.casgi]` of pyproject.toml, or in the file that --config names."""

import dataclasses
from pathlib import Path
from typing import Any

import click
import pytest
from option_values import OPTIONS, config_of, option_name
from support.casgi_process import CasgiProcess

from casgi.cli import main
from casgi.command import Refusal, variable_of
from casgi.config import Config
from casgi.options import Flag, Number, NumberOrAuto, Seconds, option_of

FLAGS = [field for field in dataclasses.fields(Config) if isinstance(option_of(field), Flag)]
OF_THE_COMMAND = ["--no-access-log", "--no-server-name"]
SERVED = Path(__file__).parent / "project"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the tests run in a folder that has no file yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def toml(value: Any) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return repr(value)


def another(value: Any) -> Any:
    """Return a value of the same type."""
    return value + 1 if isinstance(value, int | float) else value * 2


def pyproject(text: str) -> None:
    Path("pyproject.toml").write_text(f'[project]\nname = "x"\n[tool.casgi]\n{text}\n')


def refusal(*arguments: str) -> str:
    """Return the one line that the options are refused with."""
    with pytest.raises(Refusal) as refused:
        config_of(*arguments)
    message = refused.value.format_message()
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_option_reaches_its_field(option, value, field, expected):
    pyproject(f"{option[2:].replace('-', '_')} = {toml(expected)}")
    assert getattr(config_of(), field) == expected


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_option_can_be_written_with_dashes(option, value, field, expected):
    Path("site.toml").write_text(f"{option[2:]} = {toml(expected)}")
    assert getattr(config_of("--config", "site.toml"), field) == expected


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_variable_comes_before_the_file(monkeypatch, option, value, field, expected):
    monkeypatch.setenv("CASGI_" + option[2:].replace("-", "_").upper(), value)
    pyproject(f"{field} = {toml(another(expected))}")
    assert getattr(config_of(), field) == expected


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_command_line_comes_before_the_file(option, value, field, expected):
    pyproject(f"{field} = {toml(another(expected))}")
    assert getattr(config_of(option, value), field) == expected


@pytest.mark.parametrize("field", FLAGS, ids=lambda field: field.name)
@pytest.mark.parametrize("value", [True, False])
def test_flags_are_true_or_false(field, value):
    needed = "proxy_headers = true\n" if field.name == "forwarded_host" else ""
    pyproject(f"{needed}{field.name} = {toml(value)}")
    assert getattr(config_of(), field.name) is value


@pytest.mark.parametrize("field", dataclasses.fields(Config), ids=lambda field: field.name)
def test_value_of_another_type_is_refused(field):
    declared = option_of(field)
    is_number = (
        isinstance(declared, Seconds | Number) or getattr(declared, "value_type", str) is int
    )
    is_text = not is_number and not isinstance(declared, Flag)
    value = 1.5 if isinstance(declared, NumberOrAuto) else 17 if is_text else "soon"
    pyproject(f"{field.name} = {toml(value)}")
    line = refusal()
    assert line.startswith(f"pyproject.toml, [tool.casgi]: {field.name} must be ")
    assert line.endswith(f", not {value!r}")


@pytest.mark.parametrize(("option", "value", "field", "expected"), OPTIONS)
def test_variable_with_a_bad_number_is_named(monkeypatch, option, value, field, expected):
    if not isinstance(expected, int | float):
        return
    variable = "CASGI_" + option[2:].replace("-", "_").upper()
    monkeypatch.setenv(variable, "soon")
    line = refusal()
    assert line.startswith(f"{variable}: {field} must be a")
    assert line.endswith(", not 'soon'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 8000", "there is no option prot: did you mean port?"),
        ("no_date_header = true", "there is no option no_date_header: did you mean date_header?"),
        ("config = 'x'", "there is no option config"),
        ("version = 1", "there is no option version"),
        ("port = 70000", "port must be from 0 to 65535, not 70000"),
        ("port = 8000.0", "port must be a whole number, not 8000.0"),
        ("port = true", "port must be a whole number, not true"),
        ("max_headers = 0", "max_headers must be a whole number from 1, not 0"),
        ("http_timeout = nan", "http_timeout must be more than 0 seconds"),
        ("http_timeout = -inf", "http_timeout must be more than 0 seconds"),
        ("lifespan = 'of'", "lifespan must be auto, on or off, not 'of'"),
        ("slow_consumer = ['close']", "slow_consumer must be a text in quotes, not ['close']"),
        ("trusted_proxies = 'nobody'", 'trusted_proxies must be addresses, networks or "*"'),
        ("trusted_proxies = [1]", "trusted_proxies must be a text in quotes, or a list of them"),
        ("ssl_certfile = ['a', 1]", "ssl_certfile must be a text in quotes, or a list of them"),
        ("endpoint = 'tpc:1'", "tpc"),
        ("verbosity = 4", "verbosity: 4 is not in the range"),
        ("port = 1\nport = 2", "is not TOML"),
        ("http_timeout = 1\nhttp-timeout = 2", "http-timeout is there twice"),
        ("[tool.casgi.tls]\na = 1", "there is no option tls"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    pyproject(text)
    line = refusal()
    assert line.startswith("pyproject.toml")
    assert said in line


def test_lists():
    pyproject('endpoint = ["tcp:1", "tcp:2"]\ntrusted_proxies = ["::1", "10.0.0.0/8"]')
    assert config_of().endpoints == ("tcp:1", "tcp:2")
    assert config_of().trusted_proxies == "::1,10.0.0.0/8"


def test_one_of_a_list_needs_no_brackets():
    pyproject('endpoints = "tcp:1"')
    assert config_of().endpoints == ("tcp:1",)


def test_minus_one_is_never():
    pyproject("header_timeout = -1")
    assert config_of().header_timeout is None


def test_other_names_are_taken_as_on_the_command_line():
    pyproject('host = "::1"')
    assert config_of().bind == "::1"


def test_empty_server_name_is_none():
    pyproject('server_name = ""')
    assert config_of().server_name is None


def test_nearest_wins_over_what_is_turned_off(monkeypatch):
    pyproject("no_access_log = true\nno_server_name = true")
    assert config_of().access_log is None
    assert config_of("--access-log", "x.log", "-s", "mine").access_log == "x.log"
    assert config_of("-s", "mine").server_name == "mine"
    monkeypatch.setenv("CASGI_ACCESS_LOG", "y.log")
    assert config_of().access_log == "y.log"
    assert config_of("--no-access-log").access_log is None


def test_a_project_without_the_table_has_the_defaults():
    Path("pyproject.toml").write_text('[project]\nname = "x"\n')
    assert config_of() == dataclasses.replace(Config(), access_log="-")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "named.toml cannot be read: No such file or directory"),
        (b"port = ", "named.toml is not TOML: "),
        (b"\xff", "named.toml is not TOML: "),
        (b"[tool]\ncasgi = 1", "tool.casgi must be a table, not 1"),
    ],
)
def test_file_that_is_none(content, said):
    if content is not None:
        Path("named.toml").write_bytes(content)
    assert said in refusal("--config", "named.toml")


def test_pyproject_that_is_named_must_have_the_table():
    Path("pyproject.toml").write_text("")
    assert refusal("--config", "pyproject.toml") == "pyproject.toml has no table [tool.casgi]"


def test_named_file_stands_in_for_pyproject(monkeypatch):
    pyproject("port = 1")
    Path("site.toml").write_text("[tool.casgi]\nport = 2")
    assert config_of().port == 1
    monkeypatch.setenv("CASGI_CONFIG", "site.toml")
    assert config_of().port == 2
    Path("other.toml").write_text("port = 3")
    assert config_of("--config", "other.toml").port == 3


def test_every_option_has_the_variable_that_the_page_says():
    for field in dataclasses.fields(Config):
        parameter = next(one for one in main.params if one.name == field.name)
        variable = "CASGI_" + option_name(field)[2:].replace("-", "_").upper()
        assert variable_of(parameter) == variable


def test_options_of_the_command_alone():
    pyproject('verbosity = 0\nlog_fmt = "json"\napp_dir = "src"\nlog_config = "x.ini"')
    context = main.make_context("casgi", ["app:app"])
    assert context.params["verbosity"] == 0
    assert context.params["log_fmt"] == "json"
    assert context.params["app_dir"] == "src"
    assert context.params["log_config"] == "x.ini"


def test_application_of_the_file_is_served(get):
    pyproject(f"application = 'served:hello'\napp_dir = '{SERVED}'\nport = 0")
    process = CasgiProcess(folder=Path.cwd())
    try:
        assert get(process.port()) == "hello"
    finally:
        process.close()


def test_without_an_application_the_usage_is_shown():
    with pytest.raises(click.MissingParameter):
        main.make_context("casgi", [])


def test_a_bad_file_is_one_line_and_exit_code_2():
    pyproject("prot = 1")
    process = CasgiProcess("served:hello", folder=Path.cwd())
    try:
        assert process.wait() == 2
        assert process.stderr.lines() == [
            "casgi: pyproject.toml, [tool.casgi]: there is no option prot: did you mean port?"
        ]
    finally:
        process.close()
