"""What is looked at once a second with --metrics: groups, layers, threads, bytes, objects."""

import asyncio
import json
import os
import socket
import warnings

import pytest

from casgi import _core
from casgi.channels.local import LocalChannels
from casgi.loop import new_event_loop
from casgi.status.observed import GAUGES, GROWING, Observed, Times
from casgi.status.observer import Observer
from casgi.status.server_status import server_metrics


async def application(scope, receive, send):
    raise AssertionError("nothing is served here")


def noted() -> dict[str, int]:
    """Return the values of a process of its own, noted once."""
    board = _core.Scoreboard()

    async def observe() -> None:
        core = _core.Server(application, asyncio.get_running_loop())
        observer = Observer(board, 0)
        observer.begin(core)
        with pytest.raises(RuntimeError, match="watched already"):
            board.watch(core, 0, list)
        await asyncio.sleep(0)
        observer.end()
        observer.end()
        core.close()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(observe())
    return board.observed(0)[1]


def test_every_value_is_described():
    assert {*GAUGES, *GROWING} == set(noted())


def test_groups_gaps_and_losses_of_layers():
    before = noted()
    channels = LocalChannels(capacity=lambda name: 1)
    for channel in ("a", "b", "c"):
        channels.add("large", channel)
    channels.add("small", "a")
    for _ in range(2):
        channels.send("small", {"type": "x"})
    channels.report_gap()
    after = noted()
    grown = {name: after[name] - before[name] for name in after}
    assert (grown["groups"], grown["group_members"]) == (2, 4)
    assert after["largest_group"] >= 3
    assert (grown["layer_gaps"], grown["layer_dropped"]) == (1, 1)
    assert grown["channel_messages"] == 1
    channels.flush()


def test_turns_and_objects():
    board = _core.Scoreboard()

    async def turn() -> None:
        core = _core.Server(application, asyncio.get_running_loop())
        observer = Observer(board, 0)
        observer.begin(core)
        for _ in range(20):
            await asyncio.sleep(0)
        counts, seconds = board.observed(0)[0]
        assert sum(counts) >= 10
        assert seconds >= 0
        assert board.observed(0)[2]["event_loops"] >= 1
        assert core.turn_seconds > 0
        observed = Observed()
        observed.add(*board.observed(0))
        page = server_metrics(core, observed, {"peers": 2, "published": 3})
        assert 'casgi_objects{kind="event_loops"}' in page
        assert "casgi_hub_peers 2\n" in page
        assert "casgi_hub_published_total 3\n" in page
        assert 'casgi_loop_turn_seconds_bucket{le="+Inf"}' in page
        assert 'casgi_loop_delay_seconds{worker="1"} ' in page
        observer.end()
        core.close()
        assert core.turn_seconds == 0

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(turn())


def test_a_forked_child_has_no_turn():
    board = _core.Scoreboard()

    async def turn() -> int:
        core = _core.Server(application, asyncio.get_running_loop())
        board.watch(core, 0, list)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert core.turn_seconds > 0
        with warnings.catch_warnings():  # of threads that other tests have left
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            core.leave_to_parent()
            os._exit(core.turn_seconds != 0)
        core.close()
        return child

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        child = runner.run(turn())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_client_may_have_any_bytes_for_its_path():
    async def look() -> str:
        core = _core.Server(application, asyncio.get_running_loop())
        with (
            socket.socket(socket.AF_UNIX) as listener,
            socket.socket(socket.AF_UNIX) as client,
        ):
            name = os.urandom(8).hex().encode()
            listener.bind(b"\0" + name)
            core.listen(listener.fileno(), 10)
            client.bind(b"\0\xff" + name)
            client.connect(b"\0" + name)
            while not (listed := core.list_connections()):
                await asyncio.sleep(0)
            core.close()
            return listed[0][1]

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(look()).startswith("@\N{REPLACEMENT CHARACTER}")


def test_what_an_ended_worker_leaves_only_grows():
    board = _core.Scoreboard()
    board.note(0, {"thread_waits": 3, "groups": 5, "layer_gaps": 1})
    turns, values, objects, _ = board.observed(0)
    routes = {"x": one_time()}
    total = Observed()
    total.add_past(turns, values, objects, routes)
    total.add(turns, values, objects, routes)
    assert total.values["thread_waits"] == 6
    assert total.values["groups"] == 5
    assert sum(total.routes["x"][0]) == 2


def test_what_a_supervisor_leaves_to_the_next_is_taken_as_far_as_it_fits():
    left = Observed()
    left.add(((), 0.0), {"thread_waits": 3, "groups": 5}, {}, {"x": one_time()})
    plain = json.loads(json.dumps(left.plain()))
    taken = Observed()
    taken.add_plain(None)
    taken.add_plain(plain)
    taken.add(((), 0.0), {"thread_waits": 3, "groups": 5}, {}, {"x": one_time()})
    assert (taken.values["thread_waits"], taken.values["groups"]) == (6, 5)
    assert sum(taken.routes["x"][0]) == 2
    plain["routes"]["x"][0].append(7)
    taken.add_plain(plain)
    assert sum(taken.routes["x"][0]) == 2


def one_time() -> Times:
    """Return the times of one request."""
    return (1, *(0 for _ in _core.Scoreboard.bounds())), 0.1
