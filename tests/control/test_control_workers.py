"""`casgi ctl` on a server of two workers: what is listed, kicked, changed and drained."""

import contextlib
import os
import signal

import pytest
from support.ws import CLOSE, WebSocketClient

from casgi.control.client import ask
from casgi.control.protocol import ControlError


def open_websocket(connect, site, target: str) -> WebSocketClient:
    client = WebSocketClient(connect(site, target, websocket=True))
    assert client.read_accept().status == 101
    return client


def close_of(client: WebSocketClient) -> bytes:
    frame = client.read_frame()
    assert frame.opcode == CLOSE
    return frame.payload


def test_workers_are_listed(workers):
    rows = workers.rows("workers")
    assert [row["worker"] for row in rows] == [1, 2]
    assert {row["state"] for row in rows} == {"serving"}
    assert all(row["memory"] > 1 << 20 for row in rows)
    assert len({row["pid"] for row in rows}) == 2


def test_connections_of_all_workers_are_listed(workers, connect):
    clients = [open_websocket(connect, workers, "/room") for _ in range(8)]
    rows = workers.wait_for_rows("connections", lambda row: row["path"] == "/room", 8)
    assert {row["client"] for row in rows} == {
        f"127.0.0.1:{client.socket.getsockname()[1]}" for client in clients
    }
    assert {row["kind"] for row in rows} == {"websocket"}
    assert {row["worker"] for row in rows} == {1, 2}
    (group,) = workers.wait_for_rows("groups", lambda row: row["group"] == "room/room")
    assert (group["members"], group["workers"]) == (8, 2)


@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ({}, b"\x03\xf0closed by the administrator"),
        ({"code": 4000}, b"\x0f\xa0closed by the administrator"),
    ],
)
def test_kicked_websocket_gets_a_close_frame(workers, connect, arguments, payload):
    client = open_websocket(connect, workers, "/kicked")
    (row,) = workers.wait_for_rows("connections", lambda row: row["path"] == "/kicked")
    assert workers.rows("kick", connection=row["connection"], **arguments)[0]["closed"]
    assert close_of(client) == payload
    client.close()
    workers.wait_for_rows("connections", lambda row: row["path"] == "/kicked", 0)
    with pytest.raises(ControlError, match=r"there is no connection .*: it may just have ended"):
        workers.rows("kick", connection=row["connection"])


def test_kicked_at_once(workers, connect):
    client = open_websocket(connect, workers, "/cut")
    (row,) = workers.wait_for_rows("connections", lambda row: row["path"] == "/cut")
    workers.rows("kick", connection=row["connection"], now=True)
    with contextlib.suppress(ConnectionResetError):
        assert client.socket.recv(1) == b""


def test_kicked_request_is_cut(workers, connect):
    client = connect(workers, "/wait")
    (row,) = workers.wait_for_rows("requests", waits)
    assert row["method"] == "GET"
    assert "locks.py" in row["at"]
    workers.rows("kick", connection=row["connection"])
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""


def test_slow_consumer_is_listed(workers, connect):
    connect(workers, "/flood")
    (row,) = workers.wait_for_rows("slow", lambda row: row["path"] == "/flood")
    assert row["unsent"] > 0
    workers.rows("kick", connection=row["connection"])


@pytest.mark.parametrize(
    ("connection", "text"),
    [
        ("", "a connection is called"),
        ("x", "a connection is called"),
        ("1-2-3", "a connection is called"),
        ("1-1", "no worker has the PID 1"),
    ],
)
def test_no_such_connection(workers, connection, text):
    with pytest.raises(ControlError, match=text):
        workers.rows("kick", connection=connection)


@pytest.mark.parametrize("code", [5, 999, 1005, 1006, 1015, 2999, 5000])
def test_no_such_close_code(workers, code):
    pid = workers.rows("workers")[0]["pid"]
    with pytest.raises(ControlError, match="close code"):
        workers.rows("kick", connection=f"{pid}-1", code=code)


def test_changed_limit_holds_in_the_worker_that_follows_a_drained_one(workers):
    try:
        rows = workers.rows("set", limit="max-connections-per-address", value="77")
        assert [(row["worker"], row["value"]) for row in rows] == [(1, 77), (2, 77)]
        before = {row["worker"]: row["pid"] for row in workers.rows("workers")}
        assert workers.rows("drain", worker=2) == [{"worker": 2, "draining": True}]
        workers.stderr.wait_for(rf"Worker 2 \(PID (?!{before[2]})\d+\) serves")
        workers.wait_for_rows("workers", lambda row: row["pid"] == before[2], 0)
        workers.wait_until_workers_answer(2)
        after = {row["worker"]: row["pid"] for row in workers.rows("workers")}
        assert (after[1] == before[1], after[2] == before[2]) == (True, False)
        changed = {
            row["worker"]: row["value"]
            for row in workers.rows("limits")
            if row["limit"] == "max_connections_per_address"
        }
        assert changed == {1: 77, 2: 77}
    finally:
        workers.rows("set", limit="max_connections_per_address", value="0")


def waits(row):
    """Whether it is a request to /wait whose client is still there."""
    return row["path"] == "/wait" and row["connection"] != "-"


def test_changed_limit_is_kept_to(workers, connect):
    workers.rows("set", limit="max_concurrent_requests", value="1")
    try:
        connect(workers, "/wait")
        (row,) = workers.wait_for_rows("requests", waits)
        busy = row["worker"]
        answers = set()
        # Which worker answers is the system's choice.
        while b"503" not in answers:
            answers.add(connect(workers, "/").recv(12)[9:12])
        assert answers <= {b"200", b"503"}
        workers.rows("kick", connection=row["connection"])
        assert busy in (1, 2)
    finally:
        workers.rows("set", limit="max_concurrent_requests", value="0")


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("port", "1", "port cannot be changed"),
        ("max_connections", "x", "must be a whole number from 0, not 'x'"),
        ("max_connections", "-1", "must be a whole number from 0, not -1"),
        ("http_timeout", "soon", "must be a number of seconds, -1 for never, not 'soon'"),
        ("http_timeout", "inf", "must be more than 0 seconds"),
        ("http_timeout", "-inf", "must be more than 0 seconds"),
        ("http_timeout", "nan", "must be more than 0 seconds"),
        ("slow_consumer", "drop", "must be close, drop-oldest or drop-newest, not 'drop'"),
    ],
)
def test_limit_that_cannot_be_set(workers, limit, value, text):
    with pytest.raises(ControlError, match=text):
        workers.rows("set", limit=limit, value=value)


@pytest.mark.parametrize("value", ["-1", "never", "0"])
def test_time_without_end(workers, value):
    assert {row["value"] for row in workers.rows("set", limit="http_timeout", value=value)} == {
        "never"
    }


def test_log_level(workers):
    rows = workers.rows("log-level", level="debug", logger="casgi.nothing")
    assert [(row["worker"], row["logger"]) for row in rows] == [
        (1, "casgi.nothing"),
        (2, "casgi.nothing"),
    ]
    with pytest.raises(ControlError, match="a level is one of debug, info"):
        workers.rows("log-level", level="loud")


def test_there_is_no_such_worker(workers):
    for command in ("drain", "stacks"):
        for worker in (9, 0):
            with pytest.raises(ControlError, match=f"there is no worker {worker}"):
                workers.rows(command, worker=worker)


def test_worker_that_lets_no_other_code_run(workers, connect):
    """The scoreboard still says how it is, and its stacks come without its help."""
    connect(workers, "/hold")
    held = workers.wait_for_rows("workers", lambda row: row["held_up"] > 0.5)[0]
    number, pid = held["worker"], held["pid"]
    try:
        with pytest.raises(ControlError, match="its stacks are written to its standard error"):
            workers.rows("stacks", worker=number)
        workers.stderr.wait_for(r'served\.py", line \d+ in serve_request')
        answer = ask(workers.path, "connections")
        assert len(answer["silent"]) == 1
        assert f"Worker {number} (PID {pid}) does not answer" in answer["silent"][0]
        assert {row["worker"] for row in answer["rows"]} <= {3 - number}
    finally:
        os.kill(pid, signal.SIGKILL)
        workers.stderr.wait_for(rf"Worker {number} \(PID {pid}\) was ended by SIGKILL")
        workers.wait_until_workers_answer(2)


def kick_once_the_worker_answers(workers, connection: str) -> None:
    """Kick; again while the worker, kept from the processor for seconds, answers too late."""
    for _ in range(10):
        try:
            workers.rows("kick", connection=connection)
        except ControlError as error:
            if "does not answer" not in str(error):
                raise


def test_worker_whose_loop_is_held_up_answers(workers, connect):
    connect(workers, "/block")
    (row,) = workers.wait_for_rows("requests", lambda row: row["path"] == "/block")
    assert "served.py" in row["at"]
    assert "serve_request" in row["at"]
    number = row["worker"]
    stacks = workers.rows("stacks", worker=number)
    assert any("time.sleep(1000)" in stack["stack"] for stack in stacks)
    with pytest.raises(ControlError, match=f"the event loop of worker {number} is held up"):
        kick_once_the_worker_answers(workers, row["connection"])
    pid = int(row["connection"].partition("-")[0])
    os.kill(pid, signal.SIGKILL)
    workers.stderr.wait_for(rf"Worker {number} \(PID {pid}\) was ended by SIGKILL")
    workers.wait_until_workers_answer(2)
