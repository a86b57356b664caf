"""casgi.testing.daphne.DaphneProcess, by itself."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable

import httpx
import pytest
from asgiref.sync import sync_to_async
from support.apps import DEADLINE, Application, Receive, Scope, Send
from support.ports import free_port

from casgi.testing.daphne import DaphneProcess, make_config

# Other tests have left threads in this process; the one that serves needs none of them.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


async def client_of(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})


def get_application() -> Application:
    return client_of


def fail() -> Application:
    raise ValueError("there is no application")


def get(process: DaphneProcess, **headers: str) -> str:
    assert process.ready.wait(DEADLINE)
    url = f"http://{process.host}:{process.port.value}/"
    return httpx.get(url, headers=headers, timeout=DEADLINE, trust_env=False).text


def end(process: DaphneProcess) -> None:
    process.terminate()
    process.join(DEADLINE)
    assert process.exitcode == 0
    process.errors.close()


def test_setup_and_teardown_around_serving() -> None:
    begun, ended = multiprocessing.Event(), multiprocessing.Event()
    process = DaphneProcess("localhost", get_application, setup=begun.set, teardown=ended.set)
    process.start()
    assert get(process) in ("127.0.0.1", "::1")
    assert begun.is_set() and not ended.is_set()
    end(process)
    assert ended.is_set()


def test_teardown_takes_its_time() -> None:
    ended = multiprocessing.Event()

    def teardown() -> None:
        threading.Event().wait(1.5)
        ended.set()

    process = DaphneProcess("127.0.0.1", get_application, teardown=teardown)
    process.start()
    assert get(process) == "127.0.0.1"
    end(process)
    assert ended.is_set()


async def in_thread(scope: Scope, receive: Receive, send: Send) -> None:
    await sync_to_async(int)()
    await client_of(scope, receive, send)


def test_thread_that_the_parent_has_used() -> None:
    """A forked child has asgiref's executor, which takes its thread for one that still runs."""
    asyncio.run(sync_to_async(int)())
    process = DaphneProcess("127.0.0.1", lambda: in_thread)
    process.start()
    assert get(process) == "127.0.0.1"
    end(process)


def test_port_and_arguments_of_daphnes_server() -> None:
    port = free_port()
    arguments = {"proxy_forwarded_address_header": "X-Client", "http_timeout": 5}
    process = DaphneProcess("127.0.0.1", get_application, arguments, port=port)
    process.start()
    assert get(process, **{"X-Client": "192.0.2.7"}) == "192.0.2.7"
    assert process.port.value == port
    end(process)


@pytest.mark.parametrize(
    ("application", "host", "message"),
    [
        (fail, "localhost", "there is no application"),
        (get_application, "host.invalid", "cannot listen on host.invalid"),
    ],
)
def test_errors_come_back(application: Callable[[], Application], host: str, message: str) -> None:
    process = DaphneProcess(host, application)
    process.start()
    error, text = process.errors.get(timeout=DEADLINE)
    assert message in str(error)
    assert text.startswith("Traceback")
    process.join(DEADLINE)
    assert not process.ready.is_set()
    process.errors.close()


def test_arguments_that_are_not_daphnes() -> None:
    with pytest.raises(TypeError, match="colour"):
        make_config("localhost", 0, {"colour": "teal"})
    config = make_config("localhost", 0, {"websocket_handshake_timeout": 3, "verbosity": 1})
    assert config.websocket_connect_timeout == 3
