"""What a shell is told when Tab is pressed."""

import subprocess
import sys

import pytest
from support.casgi_process import PROJECT, environment


def completions(line: str) -> list[str]:
    """Return what bash gets for a line, whose last word is being completed."""
    words = line.split(" ")
    variables = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    command = [sys.executable, "-c", "from casgi.cli import main; main(prog_name='casgi')"]
    written = subprocess.check_output(
        command,
        cwd=PROJECT,
        env=environment(_CASGI_COMPLETE="bash_complete", **variables),
        text=True,
        timeout=60,
    )
    return written.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("casgi --http-t", ["plain,--http-timeout"]),
        ("casgi --slow-consumer drop-", ["plain,drop-oldest", "plain,drop-newest"]),
        ("casgi --ssl-certfile cert", ["file,cert"]),
        ("casgi ch", ["plain,check"]),
        ("casgi check --js", ["plain,--json"]),
        ("casgi ctl conn", ["plain,connections"]),
        ("casgi top sl", ["plain,slow"]),
        ("casgi ctl kick --co", ["plain,--code", "plain,--control"]),
        ("casgi hello:application 8000 --http-t", ["plain,--http-timeout"]),
    ],
)
def test_completion(line, expected):
    assert completions(line) == expected
