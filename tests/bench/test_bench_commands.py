"""`python -m bench`: every command takes its options, measures in small, and says what failed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL_RUNS = {
    "hello": ["--connections=2", "--seconds=1"],
    "tls-hello": ["--connections=2", "--seconds=1", "--reference=casgi"],
    "http2-hello": ["--connections=2", "--streams=5", "--seconds=1"],
    "static": ["--connections=2", "--seconds=1", "--way=static"],
    "echo": ["--connections=2", "--seconds=1"],
    "idle": ["--connections=5"],
    "memory": ["--mebibytes=1"],
    "fanout": ["--groups=5x2,5x1", "--messages=2"],
    "broadcast": ["--members=5", "--messages=2", "--layer=memory,redis", "--handler=shared"],
    "channels-echo": ["--connections=2", "--seconds=1"],
    "channels-idle": ["--connections=5", "--middleware=bare"],
    "django-sync": ["--connections=2", "--seconds=1", "--middleware=more,sentry"],
    "django-async": ["--connections=2", "--seconds=1", "--middleware=none"],
    "django-call": ["--connections=2", "--seconds=1"],
    "django-page": ["--connections=2", "--seconds=1"],
    "django-file": ["--connections=2", "--seconds=1", "--middleware=none"],
    "drf": ["--connections=2", "--seconds=1"],
    "sync-consumer": ["--connections=2", "--seconds=1"],
    "nothing-lost": ["--members=5", "--messages=2", "--layer=pubsub"],
}
TABLES = {"fanout": 2, "broadcast": 2, "django-sync": 2, "tls-hello": 2}
WITH_WRK = {
    "hello",
    "tls-hello",
    "static",
    "django-sync",
    "django-async",
    "django-call",
    "django-page",
    "django-file",
    "drf",
}
GROUPS = {"fanout", "broadcast", "nothing-lost"}


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_every_command_is_tried_here() -> None:
    assert set(re.findall(r"^    ([\w-]+)", bench("-h").stdout, re.MULTILINE)) == set(SMALL_RUNS)


@pytest.mark.parametrize("command", SMALL_RUNS)
def test_small_run(command: str, tmp_path: Path) -> None:
    if command in WITH_WRK and shutil.which("wrk") is None:
        pytest.skip("wrk, the HTTP client of this command, is not installed")
    if command == "http2-hello" and shutil.which("h2load") is None:
        pytest.skip("h2load, the HTTP/2 client of this command, is not installed")
    result = tmp_path / "result.json"
    run = bench(command, *SMALL_RUNS[command], "--servers=casgi", f"--json={result}")
    assert run.returncode == 0, run.stdout + run.stderr
    tables: list[dict[str, Any]] = json.loads(result.read_text())
    assert len(tables) == TABLES.get(command, 1)
    for table in tables:
        assert table["command"] == command
        [figures] = table["servers"]["casgi"]["rounds"]
        if command in GROUPS:
            assert (figures["messages"], figures["deliveries"]) == (2, 10)
            assert (figures["lost"], figures["unexpected"]) == (0, 0)


@pytest.mark.parametrize("server", ["casgi-tls", "casgi-deflate", "casgi-http2"])
def test_every_transport_is_measured_like_the_plain_one(server: str, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    options = [f"--servers=casgi,{server}", f"--reference={server}", f"--json={result}"]
    run = bench("fanout", "--groups=150x2", "--bytes=300", "--messages=4", *options)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{server}/server" in run.stdout
    [table] = json.loads(result.read_text())
    assert set(table["servers"]) == {"casgi", server}
    for measured in table["servers"].values():
        [figures] = measured["rounds"]
        assert (figures["deliveries"], figures["lost"], figures["unexpected"]) == (600, 0, 0)


def test_workers_have_groups_together(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    options = ["--members=6", "--burst=2", "--messages=4", "--layer=host", "--handler=shared"]
    run = bench("broadcast", *options, "--servers=casgi-workers", f"--json={result}")
    assert run.returncode == 0, run.stdout + run.stderr
    [table] = json.loads(result.read_text())
    [figures] = table["servers"]["casgi-workers"]["rounds"]
    assert (figures["deliveries"], figures["lost"], figures["unexpected"]) == (24, 0, 0)
    assert figures["redis_us"] == 0


def test_the_floor_is_measured_like_a_server(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    run = bench("fanout", "--groups=5x2", "--messages=3", "--servers=floor", f"--json={result}")
    assert run.returncode == 0, run.stdout + run.stderr
    [table] = json.loads(result.read_text())
    [figures] = table["servers"]["floor"]["rounds"]
    assert (figures["deliveries"], figures["lost"]) == (15, 0)


def test_unsent_messages_fail_the_run() -> None:
    run = bench("nothing-lost", "--members=2", "--messages=100000000", "--seconds=1")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "failed: casgi" in run.stdout
    assert "were not sent within 1 s" in run.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("broadcast", "--members=0"),
        ("broadcast", "--layer=memory,carrier-pigeon"),
        ("fanout", "--groups=2000"),
        ("channels-idle", "--middleware=none"),
        ("nothing-lost", "--handler="),
        ("echo", "--servers=nobody"),
    ],
    ids=" ".join,
)
def test_wrong_options_are_refused(arguments: tuple[str, ...]) -> None:
    run = bench(*arguments)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("lost", "unexpected", "messages", "failure"),
    [
        (0, 0, 20, None),
        (3, 0, 20, "3 lost, 0 repeated or out of order"),
        (0, 1, 20, "0 lost, 1 repeated or out of order"),
        (5, 0, 10, "5 lost, 0 repeated or out of order"),
        (0, 0, 10, "10 messages were not sent within 9 s"),
    ],
)
def test_what_is_lost_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, lost: int, unexpected: int, messages: int, failure: str | None
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from bench.scenarios.nothing_lost import NothingLost

    scenario = NothingLost(5, 20, 10, "shared", "memory", bytes=64, seconds=9)
    figures = {"lost": lost, "unexpected": unexpected, "messages": messages}
    assert scenario.failure(figures) == failure
