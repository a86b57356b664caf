"""httpx, as the client that applications call other services with, on the loop that serves them."""

import asyncio
from typing import Any

import httpx
import pytest
from selector_loop import new_selector_loop
from support.apps import Receive, Scope, Send, respond

import casgi


async def _proxy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer /outer with what /inner of the same server says."""
    if scope["path"] == "/inner":
        return await respond(send, b"inner")
    host, port = scope["server"]
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(
            *(client.get(f"http://{host}:{port}/inner") for _ in range(5))
        )
    await respond(send, b"+".join(answer.content for answer in answers))


async def _ask(path: str) -> Any:
    server = casgi.Server(_proxy, casgi.Config(port=0, lifespan="off", access_log=None))
    async with server, httpx.AsyncClient() as client:
        host, port = server.addresses[0]
        return await client.get(f"http://{host}:{port}{path}")


@pytest.mark.parametrize("path", ["/inner", "/outer"])
def test_client_and_server_on_one_loop(path: str) -> None:
    with asyncio.Runner(loop_factory=new_selector_loop) as runner:
        answer = runner.run(_ask(path))
    assert answer.status_code == 200
    assert answer.text == ("inner" if path == "/inner" else "+".join(["inner"] * 5))
