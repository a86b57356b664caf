"""Where log lines go, and in which form, by --log-fmt, --log-config and --access-log-format."""

import json
import logging

import pytest
from support.casgi_process import CasgiProcess

from casgi.config import Config
from casgi.errors import ConfigError
from casgi.logging import JsonFormatter

DICT = {
    "version": 1,
    "formatters": {"short": {"format": "own %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "short"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
}
INI = """
[loggers]
keys=root
[handlers]
keys=stderr
[formatters]
keys=short
[logger_root]
level=INFO
handlers=stderr
[handler_stderr]
class=StreamHandler
args=()
formatter=short
[formatter_short]
format=own %(name)s %(message)s
"""


def test_log_lines_as_json(casgi):
    process = casgi("-p", "0", "--log-fmt", "json", "served:hello")
    process.stderr.wait_for("Listening")
    assert process.stop() == 0
    lines = [json.loads(line) for line in process.stderr.lines()]
    assert {line["level"] for line in lines} == {"INFO"}
    assert any(line["logger"] == "casgi.server" for line in lines)


@pytest.mark.parametrize("log_format", ["jsno", "%(nothing)s", "%(name)d"])
def test_wrong_log_format_is_one_line(casgi, log_format):
    process = casgi("--log-fmt", log_format, "-p", "0", "served:hello")
    assert process.wait() == ConfigError.exit_code
    (line,) = process.stderr.lines()
    assert line.startswith("casgi: wrong --log-fmt: ")


def test_json_has_the_traceback():
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        exception = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("a.b", logging.ERROR, "", 0, '%s"\n\x1b', ("ä",), exception)
    line = JsonFormatter().format(record)
    assert line.isascii() and line.isprintable()
    said = json.loads(line)
    assert said["message"] == 'ä"\n\x1b'
    assert said["traceback"].endswith("ValueError: first\nsecond")


@pytest.mark.parametrize(("name", "text"), [("log.json", json.dumps(DICT)), ("log.ini", INI)])
def test_logging_is_set_up_by_a_file(casgi, tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    process = casgi("-p", "0", "--log-config", str(path), "served:hello")
    assert process.stderr.wait_for(r"^own casgi\.server Listening on")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("log.json", "{", "log.json: Expecting"),
        ("log.json", '{"version": 1, "handlers": {"a": {"class": "no.Such"}}}', "handler 'a'"),
        ("log.ini", "", "log.ini"),
        ("missing.json", None, "No such file"),
    ],
)
def test_wrong_file_is_one_line(casgi, tmp_path, name, text, said):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    process: CasgiProcess = casgi("-p", "0", "--log-config", str(path), "served:hello")
    assert process.wait() == ConfigError.exit_code
    (line,) = process.stderr.lines()
    assert line.startswith("casgi: cannot set up logging by ") and said in line


def test_access_log_in_a_format(casgi, get):
    process = casgi("-p", "0", "--access-log-format", "{method} {path} {status}", "served:hello")
    get(process.port())
    assert process.stdout.wait_for("^GET / 200$")


def test_wrong_access_log_format_is_one_line(casgi):
    process = casgi("-p", "0", "--access-log-format", "{method} {nope}", "served:hello")
    assert process.wait() == ConfigError.exit_code
    (line,) = process.stderr.lines()
    assert "there is no field {nope}: there are client," in line


def test_access_log_format_is_checked_when_the_config_is_made():
    with pytest.raises(ConfigError, match="no field"):
        Config(access_log_format="jsno")
