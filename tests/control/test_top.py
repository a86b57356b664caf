"""`casgi top`: drawn for a real server with real traffic, and printed for scripts."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys

import pytest
from screens import screen_text, wait_for_screen
from support.casgi_process import PROJECT, environment
from support.ws import CLOSE, WebSocketClient

from casgi.control import client
from casgi.control.protocol import ControlError
from casgi.top.app import TopApp
from casgi.top.sampling import Sampler
from casgi.top.views import VIEWS

SIZE = (170, 40)
INTERVAL = 0.3


def drawn(path: str, view: str = "workers", interval: float = INTERVAL):
    return TopApp(Sampler(path, 100), interval, view).run_test(size=SIZE)


def top(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "casgi", "top", *arguments],
        cwd=PROJECT,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def open_websocket(connect, site, target: str) -> WebSocketClient:
    client = WebSocketClient(connect(site, target, websocket=True))
    assert client.read_accept().status == 101
    return client


# --- Tables ---


async def test_every_view_shows_what_the_server_does(workers, connect):
    for _ in range(3):
        open_websocket(connect, workers, "/[red]room")
    connect(workers, "/flood")
    connect(workers, "/wait")
    workers.wait_for_rows("slow", lambda row: row["path"] == "/flood")
    pids = [row["pid"] for row in workers.rows("workers")]
    async with drawn(workers.path) as pilot:
        await wait_for_screen(pilot, r"2 workers serve .* [\d.]+ [KM]iB unsent")
        for pid in pids:
            await wait_for_screen(pilot, rf"\b{pid}\b +serving")
        await pilot.press("2")
        await wait_for_screen(pilot, r"127\.0\.0\.1:\d+ +websocket +open .*/\[red\]room")
        await pilot.press("3")
        await wait_for_screen(pilot, r"GET +/wait .*locks\.py")
        await pilot.press("4")
        await wait_for_screen(pilot, r"room/\[red\]room +3 ")
        await pilot.press("6")
        await wait_for_screen(pilot, r"http/1.1 +[\d.]+ [KM]iB .*/flood")
        await pilot.press("7")
        await wait_for_screen(pilot, "ping_interval +20.0")
        assert len(VIEWS) == 7
        await pilot.press("5")
        serving = asyncio.create_task(keep_asking(connect, workers))
        await wait_for_screen(pilot, r"^ *\(none\) +[1-9][\d,.]* +\d+ % +\d+")
        await wait_for_screen(pilot, r"^ *[1-9][\d,.]* requests/s .* loop within [\d.]+ m?s")
        serving.cancel()
    for row in workers.rows("requests"):
        workers.rows("kick", connection=row["connection"], now=True)


async def keep_asking(connect, site) -> None:
    """Send requests until it is cancelled."""
    while True:
        assert (await asyncio.to_thread(connect(site, "/").recv, 12))[9:12] == b"200"
        await asyncio.sleep(0.01)


async def test_order_filter_and_cursor(workers, connect):
    for target in ("/first", "/second"):
        open_websocket(connect, workers, target)
        workers.wait_for_rows("connections", lambda row, at=target: row["path"] == at)
    async with drawn(workers.path, "connections") as pilot:
        await wait_for_screen(pilot, r"/first(.|\n)*/second")
        await pilot.press("r")
        await wait_for_screen(pilot, r"/second(.|\n)*/first")
        for _ in VIEWS["connections"].columns:
            await pilot.press("o")  # The path is the last.
        await pilot.press("r")
        await wait_for_screen(pilot, r"/first(.|\n)*/second")
        await pilot.press("slash", *"/FIR", "enter")
        await wait_for_screen(pilot, "/second", gone=True)
        await wait_for_screen(pilot, "/first")
        await pilot.press("escape")
        await wait_for_screen(pilot, "/second")
        await pilot.press("4")
        await wait_for_screen(pilot, "room/first")
        table = pilot.app.query_one("RowsTable")
        while table.row_of_cursor["group"] != "room/first":
            await pilot.press("down")
        for _ in range(2):  # A larger group comes to stand above it.
            open_websocket(connect, workers, "/large")
        await wait_for_screen(pilot, "room/large +2 ")
        assert table.row_of_cursor["group"] == "room/first"
        await pilot.press("p")
        await wait_for_screen(pilot, "paused: p goes on")
        open_websocket(connect, workers, "/unseen")
        workers.wait_for_rows("groups", lambda row: row["group"] == "room/unseen")
        await asyncio.sleep(2 * INTERVAL)
        assert "room/unseen" not in screen_text(pilot.app)
        await pilot.press("p")
        await wait_for_screen(pilot, "room/unseen")


# --- What can be done ---


async def test_connection_is_kicked_and_worker_drained_when_that_is_confirmed(workers, connect):
    client = open_websocket(connect, workers, "/thrown-out")
    (row,) = workers.wait_for_rows("connections", lambda row: row["path"] == "/thrown-out")
    before = workers.rows("workers")[0]["pid"]
    async with drawn(workers.path, "connections") as pilot:
        await wait_for_screen(pilot, "/thrown-out")
        await pilot.press("slash", *"thrown", "enter", "k")
        await wait_for_screen(pilot, f"Close connection {row['connection']} of 127")
        await pilot.press("n")
        await wait_for_screen(pilot, "y yes", gone=True)
        assert workers.wait_for_rows("connections", lambda row: row["path"] == "/thrown-out")
        await pilot.press("k")
        await wait_for_screen(pilot, "y yes")
        await pilot.press("y")
        await wait_for_screen(pilot, "kick: done")
        assert (await asyncio.to_thread(client.read_frame)).opcode == CLOSE
        await pilot.press("escape", "1")
        await wait_for_screen(pilot, rf"\b{before}\b")
        await pilot.press("d")
        await wait_for_screen(pilot, r"take the place of worker 1\?")
        await pilot.press("enter")
        await wait_for_screen(pilot, "drain: done")
        await wait_for_screen(pilot, rf"\b{before}\b", gone=True)
    await asyncio.to_thread(workers.wait_until_workers_answer, 2)


async def test_limits_log_level_and_stacks(workers):
    async with drawn(workers.path, "limits") as pilot:
        await wait_for_screen(pilot, "body_timeout")
        await pilot.press("c")
        await wait_for_screen(pilot, "body_timeout in all workers")
        await pilot.press(*["backspace"] * 10, *"77.5", "enter")
        await wait_for_screen(pilot, "set: done")
        values = {row["value"] for row in workers.rows("limits") if row["limit"] == "body_timeout"}
        assert values == {77.5}
        await pilot.press("c")
        await wait_for_screen(pilot, "body_timeout in all workers")
        await pilot.press(*["backspace"] * 10, *"soon", "enter")
        await wait_for_screen(pilot, "must be a number of seconds")
        await pilot.press("l")
        await wait_for_screen(pilot, "Level of the log")
        await pilot.press(*"warning", "enter")
        await wait_for_screen(pilot, "log-level: done")
        await pilot.press("s")
        await wait_for_screen(pilot, "worker 1 thread MainThread:")
        await pilot.press("escape")
        await wait_for_screen(pilot, "worker 1 thread MainThread:", gone=True)
        await pilot.press("k")
        await wait_for_screen(pilot, "the cursor is on no connection")


# --- A server that is not there ---


async def test_server_that_comes_back(tmp_path, single):
    path = tmp_path / "control"
    async with drawn(str(path)) as pilot:
        await wait_for_screen(pilot, "there is no control socket")
        os.symlink(single.path, path)
        await wait_for_screen(pilot, "1 workers serve")
        assert "there is no control socket" not in screen_text(pilot.app)


async def test_quit_does_not_wait_for_a_silent_server(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_SECONDS", 3600.0)  # Its own limit ends nothing.
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "control"))
        silent.listen()
        async with drawn(str(tmp_path / "control")) as pilot:
            connected, _ = await asyncio.to_thread(silent.accept)
            with connected:
                assert await asyncio.to_thread(connected.recv, 1000)
                await pilot.press("q")
                assert await asyncio.to_thread(connected.recv, 1000) == b""


def test_closed_sampler_asks_nothing(single):
    sampler = Sampler(single.path, 1)
    sampler.sample(["workers"])
    sampler.close()
    with pytest.raises(ControlError, match="has gone"):
        sampler.sample(["workers"])
    with pytest.raises(ControlError, match="has gone"):
        sampler.sample(["workers"])


# --- For scripts ---


def test_printed_once(single, connect):
    open_websocket(connect, single, "/printed")
    single.wait_for_rows("groups", lambda row: row["group"] == "room/printed")
    done = top("--once", "--interval", "0.1", CASGI_CONTROL=single.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"1 workers serve  CPU \d+ %  memory [\d.]+ MiB  ", done.stdout)
    for name in ("WORKERS", "CONNECTIONS", "REQUESTS", "GROUPS", "HANDLERS", "SLOW"):
        assert re.search(rf"^{name}$", done.stdout, re.MULTILINE)
    assert re.search(r"^room/printed +1 +1$", done.stdout, re.MULTILINE)


def test_json_once(single):
    done = top("--json", "--once", "--interval", "0.1", "--control", single.path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert said["silent"] == []
    assert said["totals"]["workers"] == 1
    (worker,) = said["workers"]
    assert worker["pid"] == single.pid
    assert worker["requests_rate"] >= 0
    assert {"totals", *VIEWS} - said.keys() == {"limits"}


def test_json_until_the_reader_leaves(single):
    command = [sys.executable, "-m", "casgi", "top", "--json", "--interval", "0.1"]
    with subprocess.Popen(
        [*command, "--control", single.path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as printing:
        for _ in range(2):
            assert json.loads(printing.stdout.readline())["totals"]["workers"] == 1
        printing.send_signal(2)
        assert (printing.wait(20), printing.stderr.read()) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "casgi top draws on a terminal: --once or --json prints instead"),
        (("--once", "--control", "/nowhere"), 1, "there is no control socket /nowhere"),
        (("--interval", "0"), 2, "0.0 is not in the range 0.1<=x<=86400"),
        (("--interval", "-1"), 2, "-1.0 is not in the range 0.1<=x<=86400"),
        (("--interval", "inf"), 2, "inf is not in the range 0.1<=x<=86400"),
        (("--interval", "nan"), 2, "nan is not in the range 0.1<=x<=86400"),
        (("rooms",), 2, "'rooms' is not one of 'workers', 'connections'"),
    ],
)
def test_what_cannot_be_done(arguments, code, said):
    done = top(*arguments, CASGI_CONTROL="x")
    assert done.returncode == code
    assert said in done.stderr


@pytest.mark.parametrize("missing", ["textual", "rich"])
def test_without_textual(tmp_path, missing):
    (tmp_path / f"{missing}.py").write_text(
        f"raise ModuleNotFoundError('there is none', name={missing!r})\n"
    )
    done = top(CASGI_CONTROL="x", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        2,
        "casgi: casgi top needs Textual: pip install 'textual>=8';"
        " --once and --json do without it\n",
    )
