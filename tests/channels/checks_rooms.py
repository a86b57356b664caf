"""Checks of groups, run with the layer in memory and with channels_redis."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from check import Checks
from checks_websocket import tell
from site_process import Site, new_key
from support.ws import WebSocketClient

CHECKS = Checks()
check = CHECKS.add


def enter(stack: ExitStack, site: Site, target: str, count: int) -> list[WebSocketClient]:
    return [stack.enter_context(site.websocket(target)) for _ in range(count)]


def room(site: Site, route: str, count: int) -> Any:
    with ExitStack() as stack:
        clients = enter(stack, site, f"/ws/{route}/{new_key()}/", count)
        clients[0].send_text("hello all")
        clients[0].read_text()
        clients[-1].send_text("hello first")
        first = [clients[0].read_text()]
        return first + [[one.read_text(), one.read_text()] for one in clients[1:]]


@check
def broadcast_to_50(site: Site) -> Any:
    return room(site, "room", 50)


@check
def broadcast_to_threads(site: Site) -> Any:
    return room(site, "sync-room", 8)


@check
def rooms_are_apart(site: Site) -> Any:
    with ExitStack() as stack:
        (one,) = enter(stack, site, f"/ws/room/{new_key()}/", 1)
        (other,) = enter(stack, site, f"/ws/room/{new_key()}/", 1)
        one.send_text("mine")
        other.send_text("yours")
        return one.read_text(), other.read_text(), one.is_silent(0.1), other.is_silent(0.1)


@check
def conversation_in_order(site: Site) -> Any:
    with ExitStack() as stack:
        clients = enter(stack, site, f"/ws/room/{new_key()}/", 3)
        seen = []
        for number in range(60):
            clients[number % 3].send_text(str(number))
            seen.append([client.read_text() for client in clients])
        return seen


@check
def thread_and_coroutine_in_one_room(site: Site) -> Any:
    name = new_key()
    with ExitStack() as stack:
        (one,) = enter(stack, site, f"/ws/room/{name}/", 1)
        (other,) = enter(stack, site, f"/ws/sync-room/{name}/", 1)
        one.send_text("from the loop")
        seen = [one.read_text(), other.read_text()]
        other.send_text("from the thread")
        return [*seen, one.read_text(), other.read_text()]


@check
def leaving_a_room(site: Site) -> Any:
    key = new_key()
    with ExitStack() as stack:
        stayed, left, gone = enter(stack, site, f"/ws/room/{key}/?key={key}", 3)
        left.send_close(4005)
        left.read_to_end()
        gone.close()
        codes = sorted(site.journal(key, 2))
        stayed.send_text("alone")
        return codes, stayed.read_text()


@check
def many_messages_to_one_channel(site: Site) -> Any:
    with ExitStack() as stack:
        one, other = enter(stack, site, "/ws/commanded/", 2)
        tell(one, do="name_channel")
        tell(other, do="fill", channel=one.read_text(), count=150)
        return other.read_text(), [one.read_text() for _ in range(100)]


@check
def messages_to_a_group_whose_member_sleeps(site: Site) -> Any:
    """What is lost when they are too many: the newest in memory, the oldest over Redis."""
    group = new_key()
    with ExitStack() as stack:
        sleeper, other = enter(stack, site, "/ws/commanded/", 2)
        for member in (sleeper, other):
            tell(member, do="join", group=group)
            assert member.read_text() == "joined"
        tell(sleeper, do="sleep", name=group)
        assert sleeper.read_text() == "asleep"
        for _ in range(15):  # The other one keeps up.
            tell(other, do="fill_group", group=group, count=10)
            assert [other.read_text() for _ in range(10)] == [str(n) for n in range(10)]
        tell(other, do="wake", name=group)
        return [sleeper.read_text() for _ in range(101)]


@check
def kicked_out_of_a_group(site: Site) -> Any:
    key = new_key()
    with ExitStack() as stack:
        clients = enter(stack, site, f"/ws/lobby/?key={key}", 5)
        clients[0].send_text("hi")
        texts = [client.read_text() for client in clients]
        clients[1].send_text("kick")
        codes = []
        for client in clients:
            codes.append(client.read_close())
            client.send_close(4100)
            client.assert_closed()
        return texts, codes, site.journal(key, 5)
