"""The autoreloader: pages come back at once, and nothing that still runs holds it up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from runserver_process import Runserver, StartRunserver
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def make_second_edition(served: Runserver) -> None:
    served.edit("news/views.py", "first edition", "second edition")


def get(served: Runserver, path: str = "/") -> str:
    return httpx.get(served.url + path, timeout=30, trust_env=False).text


def test_reload_closes_websockets_and_serves_the_new_code(runserver: StartRunserver) -> None:
    served = runserver()
    with connect(f"ws://127.0.0.1:{served.port}/echo/", proxy=None) as client:
        client.send("hello")
        assert client.recv() == "hello"
        make_second_edition(served)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=30)
        assert client.close_code == 1012
    # No waiting: who comes while nothing serves is in the queue of the socket.
    assert get(served) == "second edition"
    with connect(f"ws://127.0.0.1:{served.port}/echo/", proxy=None) as client:
        client.send("again")
        assert client.recv() == "again"


def test_nobody_is_refused_during_a_reload(runserver: StartRunserver) -> None:
    """A request that takes longer than a reload waits for it is cut, on a machine that is slow."""
    served = runserver()

    def ask() -> str:
        try:
            return get(served)
        except (httpx.RemoteProtocolError, httpx.ReadError):  # and not ConnectError
            return "cut"

    def ask_until_it_is_new() -> list[str]:
        answers = [ask()]
        while answers[-1] in ("first edition", "cut"):
            answers.append(ask())
        return answers

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_until_it_is_new)
        make_second_edition(served)
        answers = asking.result(30)
    assert answers[-1] == "second edition"


def test_a_consumer_that_never_ends_does_not_hold_up_the_reload(runserver: StartRunserver) -> None:
    served = runserver()
    with connect(f"ws://127.0.0.1:{served.port}/lingering/", proxy=None):
        pass
    served.wait_for("WebSocket CONNECT")
    make_second_edition(served)
    assert get(served) == "second edition"


def test_a_view_that_never_ends_does_not_hold_up_the_reload(runserver: StartRunserver) -> None:
    served = runserver()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(get, served, "/slow/")
        served.wait_for("a slow view has begun")
        make_second_edition(served)
        assert get(served) == "second edition"
        assert isinstance(asking.exception(30), httpx.HTTPError)


def test_an_error_is_shown_and_its_mending_noticed(runserver: StartRunserver) -> None:
    served = runserver()
    served.edit("news/views.py", "HEADLINE = ", "HEADLINE == ")
    served.wait_for("NameError: name 'HEADLINE' is not defined")
    served.edit("news/views.py", "HEADLINE == ", "HEADLINE = ")
    assert get(served) == "first edition"


def test_the_end_is_that_of_both_processes(runserver: StartRunserver) -> None:
    served = runserver()
    served.terminate()
    assert served.wait() == 0
    with pytest.raises(httpx.ConnectError):
        get(served)
