"""Closing by user and session, sending on commit: over each layer, by the whole of Django."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hub_process import HubProcess
from support.ports import free_port
from support.redis_server import RedisServer
from support.server_process import ServerProcess
from support.ws import CLOSE, WebSocketClient

FOLDER = Path(__file__).parent
DEADLINE = 30.0
MEMORY, REDIS = "channels.layers.InMemoryChannelLayer", "channels_redis.core.RedisChannelLayer"
LAYERS = {"memory": MEMORY, "hub": MEMORY, "redis": REDIS}
PREPARE = """
import members_site
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
for name in ("ann", "bob", "cid", "dan"):
    User.objects.create_user(name, password="secret")
"""


class Site:
    """The project on two workers where the layer reaches both, else on one."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.browsers = contextlib.ExitStack()
        self.environment = {name: text for name, text in os.environ.items() if "CASGI" not in name}
        self.environment.update(
            PYTHONPATH=os.pathsep.join([str(FOLDER), *(path for path in sys.path if path)]),
            MEMBERS_FOLDER=str(folder),
            MEMBERS_LAYER=LAYERS[kind],
            CASGI_HUB_SILENCE=os.environ["CASGI_HUB_SILENCE"],
        )
        if kind == "hub":
            self.environment["CASGI_HUB"] = str(folder / "hub")
        command = [sys.executable, "-c", PREPARE]
        subprocess.run(command, env=self.environment, check=True, timeout=60)
        count = 1 if kind == "memory" else 2
        self.servers = [self._server(folder / f"log{number}") for number in range(count)]

    def _server(self, log: Path) -> ServerProcess:
        port = free_port()
        command = [sys.executable, "-m", "casgi", "-b", "127.0.0.1", "-p", str(port)]
        command += ["members_site:application"]
        return ServerProcess(command, port, log, FOLDER, self.environment)

    def browser(self, query: str | None = None) -> httpx.Client:
        """Return somebody with cookies, logged in by the query."""
        base = f"http://127.0.0.1:{self.servers[0].port}"
        client = httpx.Client(base_url=base, timeout=DEADLINE, trust_env=False)
        self.browsers.callback(client.close)
        if query is not None:
            assert client.get(f"/enter?{query}").status_code == 200
        return client

    def socket(self, browser: httpx.Client | None, path: str = "/member") -> WebSocketClient:
        """Open a WebSocket with the cookies of a browser; on the last of the workers."""
        port = self.servers[-1].port
        client = WebSocketClient(socket.create_connection(("127.0.0.1", port), DEADLINE))
        session = None if browser is None else browser.cookies.get("sessionid")
        client.handshake(path, headers=[f"Cookie: sessionid={session}"] if session else [])
        return client


@pytest.fixture(scope="module", params=list(LAYERS))
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The site over each layer."""
    folder = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        stack.enter_context(HubProcess(str(folder / "hub")))
        site = Site(request.param, folder)
        if request.param == "redis":
            redis = stack.enter_context(RedisServer(folder))
            site.environment["MEMBERS_REDIS"] = redis.url
        for server in site.servers:
            stack.enter_context(server)
        stack.enter_context(site.browsers)
        yield site


def code_of(client: WebSocketClient) -> int:
    """Return the code with which the server closes."""
    frame = client.read_frame()
    assert frame.opcode == CLOSE, frame
    return int.from_bytes(frame.payload[:2], "big")


def test_the_end_of_a_session(site: Site) -> None:
    mine, others = site.browser("name=ann"), site.browser("name=ann")
    with site.socket(mine) as one, site.socket(mine, "/sync") as two, site.socket(others) as three:
        assert one.read_text() == two.read_text() == three.read_text() == "ann"
        session = mine.cookies["sessionid"]
        mine.get("/leave?rollback")
        mine.cookies.set("sessionid", session)  # the answer has deleted it
        publish(mine, one, three)
        assert mine.get("/leave").text == "left"
        assert code_of(one) == code_of(two) == 4999
        mine.get("/post")
        assert three.read_text() == "at once"


def publish(browser: httpx.Client, *clients: WebSocketClient) -> None:
    """Have the clients hear something, before which nothing has come."""
    browser.get("/post")
    for client in clients:
        assert [client.read_text() for _ in range(3)] == ["at once", "committed", "committed too"]


def test_a_login_gives_the_session_another_key(site: Site) -> None:
    browser = site.browser("")
    with site.socket(browser) as client:
        assert client.read_text() == "nobody"
        before = browser.cookies["sessionid"]
        browser.get("/enter?name=bob")
        assert browser.cookies["sessionid"] != before
        publish(browser, client)
        browser.get("/leave")
        assert code_of(client) == 4999


def test_password_and_activity(site: Site) -> None:
    browser = site.browser("name=cid")
    with (
        site.socket(browser) as client,
        site.socket(site.browser("name=dan")) as other,
        site.socket(site.browser("name=ann&age=8")) as short,
    ):
        assert short.read_text() == "ann"
        assert client.read_text() == "cid"
        assert other.read_text() == "dan"
        browser.get("/change?name=cid&password")
        assert code_of(client) == 4999
        with site.socket(site.browser("name=cid")) as again:
            assert again.read_text() == "cid"
            browser.get("/change?name=cid")
            assert code_of(again) == 4999
        publish(browser, other)
        while (frame := short.read_frame()).opcode != CLOSE:
            pass  # it hears the news until its session expires
        assert frame.payload[:2] == b"\x13\x87"


def test_by_user_with_a_code_and_a_reason(site: Site) -> None:
    browser = site.browser("name=dan")
    with site.socket(browser) as known, site.socket(None) as by_token:
        assert known.read_text() == "dan"
        assert by_token.read_text() == "nobody"
        by_token.send_text("4")
        assert by_token.read_text() == "identified"
        browser.get("/throw-out?user=4")
        for client in (known, by_token):
            frame = client.read_frame()
            assert (frame.opcode, frame.payload) == (CLOSE, b"\x0f\xa0out")


def test_on_commit(site: Site) -> None:
    browser = site.browser()
    with site.socket(None) as client:
        assert client.read_text() == "nobody"
        publish(browser, client)
        client.send_text("commit")
        assert client.read_text() == "from async code"
        assert browser.get("/apost").text == "posted"
        assert [client.read_text(), client.read_text()] == ["at once", "committed"]
