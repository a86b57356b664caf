"""The most telling attacks by real clients of a server: each gets what stock Channels sends.

Three members of a group get an event, twice, and in between what an attack does later. The first
server runs Channels as it is, the second one accelerated.
"""

import asyncio
from typing import Any

import pytest
from attack import BEFORE, Attack, attack
from attacks_on_constants import ON_CONSTANTS
from attacks_on_functions import ON_FUNCTIONS
from attacks_on_members import ON_MEMBERS
from attacks_on_sending import ON_SENDING
from attacks_on_statements import ON_STATEMENTS
from channels.layers import InMemoryChannelLayer, channel_layers
from members import EVENT, Load, copied
from support.apps import DEADLINE
from support.django_settings import configure_django
from support.server import LiveServer
from support.ws import CLOSE

from casgi.channels import ChannelLayer
from casgi.channels.acceleration import acceleration

configure_django()

NAMES = ("alice", "bob", "carol")
# How a consumer of an attack gets to know whose it is, and joins the group.
SERVED = """
channels = {}
async def connect(self):
    self.name = self.scope["query_string"].decode()
    self.user_id = len(self.name)
    enter(self.name)
    channels[self.name] = self.channel_name
    await self.channel_layer.group_add(__name__, self.channel_name)
    await self.accept()
    joined(self)
async def last(self, event):
    await self.base_send({"type": "websocket.send", "text": "last"})
C.connect, C.last = connect, last
"""
_CORPUS = {
    title: attacks
    for rules in (ON_MEMBERS, ON_SENDING, ON_STATEMENTS, ON_FUNCTIONS, ON_CONSTANTS)
    for title, attacks in rules.items()
}
_CHOSEN = {
    "a plain attribute": (
        *("the name itself", "with a text of its own", "with another attribute"),
        *("failing for one", "closing for one", "changing the event for one"),
        *("one after another", "in a helper that is the member's", "an object that equals"),
        *("nothing for one", "missing for one", "another class of one", "another send of one"),
        *("a property later", "a descriptor later", "__getattribute__ later"),
    ),
    "own send_json": ("send_json of the context", "another encode_json later"),
    "return of send": ("a count", "another send later"),
    "try": ("the member's in the block", "sends one, then fails"),
    "match": ("a guard of the member", "a guard of the context"),
    "del": ("an item that remembers", "a list of the class"),
    "members of enums": ("own __format__", "own __str__ later"),
    "constants of classes": ("a list", "a descriptor later"),
}
ATTACKS = {
    f"{rule}: {title}": _CORPUS[rule][title] for rule, titles in _CHOSEN.items() for title in titles
}
# What the rule for members is for: it is shared, and yet not the same for all.
SHARED = {
    "all but the sender": attack(
        "if self.channel_name != event['sender']:\n    await self.send(event['text'])"
    ),
    "to the sender alone": attack(
        "if event['sender'] == self.channel_name:\n    await self.send(event['text'])"
    ),
    "all but one user": attack(
        "if self.user_id == event['number']:\n    return\nawait self.send_json(event['items'])"
    ),
    "one text for one, another for the others": attack(
        "await self.send('yours' if self.name == event['name'] else 'not yours')"
    ),
    "two comparisons": attack(
        "if self.user_id != event['number'] or self.name == 'alice':\n    await self.send('x')"
    ),
}


class Stage:
    """A server, whose application is exchanged for each attack."""

    def __init__(self, load: Load, *, is_accelerated: bool) -> None:
        self._load = load
        self._layer = ChannelLayer() if is_accelerated else InMemoryChannelLayer()
        self._server = LiveServer(self._application)
        self._consumer: Any = None
        self._is_accelerated = is_accelerated
        if is_accelerated:
            self._server.call(lambda: acceleration.begin(self._server.loop))

    @property
    def shared(self) -> int:
        """How many members have got a message of a shared run."""
        shared: int = self._layer.local.shared
        return shared

    def close(self) -> None:
        """End the server, and the acceleration."""
        if self._is_accelerated:
            self._server.call(acceleration.end)
        self._server.stop()

    def play(self, played: Attack) -> dict[str, list[str]]:
        """Return what each member reads, before and after what the attack does later.

        With it, which errors are logged.
        """
        channel_layers.set("default", self._layer)
        joined = "" if "def joined(" in played.text else "def joined(consumer):\n    pass\n"
        module: Any = self._load(BEFORE + played.text + joined + SERVED)
        self._consumer = module.C.as_asgi()
        clients = {name: self._server.websocket(f"/?{name}") for name in NAMES}
        seen: dict[str, list[str]] = {name: [] for name in NAMES}
        with pytest.MonkeyPatch.context() as patch:
            module.module, module.patch = module, patch
            self._send(module)
            self._read(clients, seen)
            self._server.call(lambda: exec(played.then, vars(module)))
            self._send(module)
            self._read(clients, seen)
        self._server.forget_clients()
        self._server.wait_idle()
        errors = [text.splitlines()[-1] for text in self._server.reports.take_errors()]
        return {**seen, "errors": sorted(errors)}

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        await self._consumer(scope, receive, send)

    def _send(self, module: Any) -> None:
        event = {**copied(EVENT), "name": "bob", "number": 3, "sender": module.channels["alice"]}
        for message in (event, {"type": "last"}):
            sending = self._layer.group_send(module.__name__, message)
            asyncio.run_coroutine_threadsafe(sending, self._server.loop).result(DEADLINE)

    @staticmethod
    def _read(clients: dict[str, Any], seen: dict[str, list[str]]) -> None:
        """Read all up to the last message, of those whose connection has not ended."""
        for name, client in clients.items():
            if seen[name][-1:] == ["close"]:
                continue
            while True:
                frame = client.read_data()
                seen[name].append("close" if frame.opcode == CLOSE else frame.payload.decode())
                if seen[name][-1] in ("close", "last"):
                    break


def play_all(load: Load, played: dict[str, Attack], *, is_accelerated: bool) -> dict[str, Any]:
    """Return what is seen of each attack."""
    stage = Stage(load, is_accelerated=is_accelerated)
    try:
        return {title: stage.play(each) for title, each in played.items()}
    finally:
        stage.close()


def test_each_member_reads_what_channels_sends(load: Load) -> None:
    expected = play_all(load, ATTACKS, is_accelerated=False)
    assert play_all(load, ATTACKS, is_accelerated=True) == expected


def test_a_shared_run_is_chosen_for_each_member(load: Load) -> None:
    expected = play_all(load, SHARED, is_accelerated=False)
    stage = Stage(load, is_accelerated=True)
    try:
        for title, each in SHARED.items():
            before = stage.shared
            seen = stage.play(each)
            assert seen == expected[title]
            assert stage.shared > before, title
            assert len({str(seen[name]) for name in NAMES}) > 1, title
    finally:
        stage.close()
