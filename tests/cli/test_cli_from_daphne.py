"""`--from-daphne`: a shell's line with daphne becomes one with casgi that does the same."""

import json
import shlex
import subprocess
import sys

import pytest
from support.casgi_process import CasgiProcess

from casgi.cli import main
from casgi.daphne_command import _parse, casgi_command
from casgi.errors import ConfigError

APPLICATION = "project.asgi:application"
# Prints what daphne's parser makes of command lines, in a process of its own.
PARSE_BY_DAPHNE = """
import json, sys
from daphne.cli import CommandLineInterface
parser = CommandLineInterface().parser
print(json.dumps([vars(parser.parse_args(line)) for line in json.load(sys.stdin)]))
"""
LINES = [
    APPLICATION,
    f"-b 0.0.0.0 -p 8001 --proxy-headers {APPLICATION}",
    f"{APPLICATION} --port=8001 --bind 0.0.0.0 -v2",
    f"-p8001 --websocket_time 5 --websocket_c 7 {APPLICATION}",
    f"-u '/run/my site.sock' --fd 0 --access-log - {APPLICATION}",
    f'-e tcp:8000 --endpoint "unix:/run/a b" --log-fmt "%(name)s \\"x\\"" {APPLICATION}',
    f"-s '' --root-path= {APPLICATION} --no-server-name",
    f"-t 30 --ping-interval -1 --ping-timeout 9 --application-close-timeout 3 {APPLICATION}",
    f"--websocket-max-message-size 5 --websocket-max-frame-size 6 {APPLICATION}",
    f"--proxy-headers --proxy-headers-host X-A --proxy-headers-port X-B {APPLICATION}",
]
# Where daphne's name of a setting is not casgi's.
NAMES = {"host": "bind", "file_descriptor": "fd", "socket_strings": "endpoints"}


@pytest.fixture(scope="module")
def by_daphne() -> list[dict[str, object]]:
    """Return what daphne understands of each line."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSE_BY_DAPHNE],
        input=json.dumps([shlex.split(line) for line in LINES]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    settings: list[dict[str, object]] = json.loads(done.stdout)
    return settings


def given(line: str) -> set[str]:
    """Return the names of the options that a line has."""
    return {option.lstrip("-").replace("-", "_") for option, _ in _parse(shlex.split(line))}


@pytest.mark.parametrize("index", range(len(LINES)))
def test_casgi_understands_what_daphne_understood(by_daphne, index):
    words = shlex.split(casgi_command(f"daphne {LINES[index]}"))
    assert words.pop(0) == "casgi"
    ours = main.make_context("casgi", words).params
    compared = 0
    for name, value in by_daphne[index].items():
        our_name = NAMES.get(name, name)
        if our_name in {*given(LINES[index]), "application"} - {"server_name"}:
            mine = ours[our_name]
            mine = -1 if our_name == "ping_interval" and mine is None else mine
            assert (list(mine) if isinstance(mine, tuple) else mine) == value, name
            compared += 1
    assert compared >= len(given(LINES[index])) - 2


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (f"daphne {APPLICATION}", f"casgi {APPLICATION}"),
        (
            "daphne -b 0.0.0.0 -p 8001 --proxy-headers project.asgi:application",
            "casgi --bind 0.0.0.0 --port 8001 --proxy-headers project.asgi:application",
        ),
        (
            f"DJANGO_SETTINGS_MODULE=a.b exec /venv/bin/daphne --websocket_timeout 5 {APPLICATION}",
            f"DJANGO_SETTINGS_MODULE=a.b exec /venv/bin/casgi --websocket-timeout 5 {APPLICATION}",
        ),
        (f"python3 -m daphne {APPLICATION}", f"python3 -m casgi {APPLICATION}"),
        (f"web: poetry run daphne {APPLICATION}", f"web: poetry run casgi {APPLICATION}"),
        (f"ExecStart=/a/daphne {APPLICATION}", f"ExecStart=/a/casgi {APPLICATION}"),
        (f"'/my venv/daphne' {APPLICATION}", f"'/my venv/casgi' {APPLICATION}"),
        (f'"$HOME"/bin/daphne {APPLICATION}', f'"$HOME"/bin/casgi {APPLICATION}'),
        (
            f"daphne -p ${{PORT:-8000}} -b \"$HOST\" -u '/run/a b' {APPLICATION}",
            f"casgi --port ${{PORT:-8000}} --bind \"$HOST\" --unix-socket '/run/a b' {APPLICATION}",
        ),
        (
            f"daphne -u /run/daphne%(process_num)d.sock --fd 0 {APPLICATION}",
            f"casgi --unix-socket /run/daphne%(process_num)d.sock --fd 0 {APPLICATION}",
        ),
        (
            f"daphne \\\n  -s '' \\\n  --root-path= {APPLICATION}\n",
            f"casgi --server-name '' --root-path '' {APPLICATION}",
        ),
        (
            r"daphne --log-fmt %\(message\)s a:b",
            r"casgi --log-fmt %\(message\)s a:b",
        ),
        (f"sudo -u daphne daphne {APPLICATION}", f"sudo -u daphne casgi {APPLICATION}"),
        ("gosu daphne /a/daphne -s daphne a:b", "gosu daphne /a/casgi --server-name daphne a:b"),
        (
            'CMD ["daphne", "-b", "0.0.0.0", "--log-fmt", "%(name)s \\"é\\"", "a:b"]\n',
            'CMD ["casgi", "--bind", "0.0.0.0", "--log-fmt", "%(name)s \\"é\\"", "a:b"]',
        ),
        (
            'command: ["python", "-m", "daphne", "-p", "$(PORT)", "-s", "", "a:b"]',
            'command: ["python", "-m", "casgi", "--port", "$(PORT)", "--server-name", "", "a:b"]',
        ),
    ],
)
def test_command(line, command):
    assert casgi_command(line) == command


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "no daphne in the command"),
        ("uvicorn a:b", "no daphne in the command"),
        ("mydaphne a:b", "no daphne in the command"),
        ("daphne", "application"),
        ("daphne 'a:b", "quotes"),
        ("daphne --workers 4 a:b", "no such arguments: .*--workers"),
        ("daphne a:b c:d", "no such arguments: c:d"),
        ("daphne --p 1 a:b", "ambiguous option"),
        ("daphne -p a:b", "application"),
        ("daphne -p http a:b", "--port takes a whole number"),
        ("daphne -e ssl:443:privateKey=k:sslmethod=SSLv3_METHOD a:b", "sslmethod must be one of"),
        ("daphne -e 'tls:example.org:tcp:443' a:b", "write ssl:443:privateKey"),
        ("daphne a:b > log", "> is for the shell"),
        ("daphne a:b 2>&1", "2>&1 is for the shell"),
        ("daphne a:b &", "& is for the shell"),
        ("daphne a:b; echo", "a:b; is for the shell"),
        ('CMD ["uvicorn", "a:b"]', "no daphne in the command"),
        ('CMD ["daphne", "-p", "http", "a:b"]', "--port takes a whole number"),
        ('CMD ["daphne", "a:b"', "no daphne in the command"),
    ],
)
def test_what_has_no_equal(line, complaint):
    with pytest.raises(ConfigError, match=complaint):
        casgi_command(line)


@pytest.mark.parametrize(
    ("line", "code", "output", "error"),
    [
        (f"daphne -p 1 {APPLICATION}", 0, [f"casgi --port 1 {APPLICATION}"], []),
        ("daphne a:b &", 2, [], ["casgi: & is for the shell: give the command without it"]),
    ],
)
def test_on_the_command_line(line, code, output, error):
    process = CasgiProcess("--from-daphne", line)
    try:
        assert process.wait() == code
        assert process.stdout.lines() == output
        assert process.stderr.lines() == error
    finally:
        process.close()
