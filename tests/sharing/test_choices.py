"""A handler that compares something of its consumer's with the event: once for each outcome."""

import textwrap
from typing import Any

import pytest
from members import ALICE, BOB, EVENT, Load, copied, seen_by, shared_with

from casgi.channels.sharing import examine, plan_of

CHOICES = {
    "left out": """
        if self.name != event["text"]:
            await self.send(event["text"])""",
    "return": """
        if event.get("text") == self.name:
            return
        await self.send_json(event)""",
    "channel": """
        if self.channel_name != event["text"]:
            await self.send("not to channel.bob")""",
    "both sides differ": """
        await self.send("mine" if self.name == event["text"] else "yours")""",
    "two attributes": """
        if self.name == event["text"] or self.channel_name == "channel.alice":
            await self.send("to both")
        else:
            await self.send("to none")""",
    "twice the same": """
        if self.name == event["text"]:
            await self.send("first")
        if self.name != event["text"]:
            await self.send("second")
        if event["text"] != self.name:
            await self.send("third")""",
    "one after the other": """
        if self.name == "alice":
            await self.send("alice")
        elif self.name == event["text"]:
            await self.send("bob")
        else:
            await self.send("nobody")""",
    "as a value": """
        await self.send_json({"own": self.name == event["text"], "text": event["text"]})""",
    "of the event": """
        event["items"].append(self.name == event["text"])
        event["text"] = "changed"
        await self.send_json(event["items"])""",
    "in a loop": """
        for name in event["names"]:
            if name == self.name:
                await self.send(name)""",
    "in an own method": """
        if self.is_meant(event["text"]):
            await self.send("for you")""",
    "with a number": """
        if self.name != event["number"]:
            await self.send("all")""",
    "with nothing": """
        if self.name == event.get("missing"):
            return
        await self.send("all")""",
    "in a try": """
        try:
            if self.name == event["text"]:
                await self.send("bob")
        except Exception:
            pass""",
}
AFTER = """
    def is_meant(self, text):
        return self.name == text
"""


def text(body: str) -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
    head = "class C(AsyncJsonWebsocketConsumer):\n    async def h(self, event):\n"
    return f"{head}{lines}\n{AFTER}"


@pytest.fixture
def event(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(EVENT, "text", "bob")
    monkeypatch.setitem(EVENT, "names", ["alice", "bob"])
    return EVENT


@pytest.mark.parametrize("body", CHOICES.values(), ids=CHOICES)
def test_each_member_gets_what_its_own_consumer_sends(
    load: Load, event: dict[str, Any], body: str
) -> None:
    module = load(text(body))
    assert examine(module.C, "h").reason == ""
    for member in (ALICE, BOB):
        sent = [message.get("text") for message in seen_by(member, module)]
        assert shared_with(member, module) == sent


TOO_MUCH = {
    "a list": 'if self.name == event["items"]:\n    return',
    "a dict": 'if self.name == event["nested"]:\n    return',
    "a fraction": 'if self.name == event["nested"]["x"]:\n    return',
    "bytes": "if self.name == b'x':\n    return",
    "a safe string": 'if self.name == mark_safe(event["text"]):\n    return',
    "many": "for item in (1, 2, 3, 4):\n    if self.name == item:\n        return",
    "one outcome that fails": 'if self.name == event["text"]:\n    raise ValueError',
    "one outcome that closes": (
        'if self.name == event["text"]:\n    await self.send("x", close=event["number"])'
    ),
    "an outcome that sends no text": 'if self.name == event["text"]:\n    await self.send(3)',
    "a missing key": 'if self.name == event["missing"]:\n    return',
}


@pytest.mark.parametrize("body", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_cannot_be_chosen_runs_for_each(load: Load, body: str) -> None:
    module = load("from django.utils.safestring import mark_safe\n" + text(body))
    assert examine(module.C, "h").reason == ""
    assert plan_of(module.C).run(copied(EVENT)) is None


NOT_PLAIN = {
    "property": "name = property(lambda self: 'x')",
    "descriptor with __set__": "name = type('D', (), {'__get__': 1, '__set__': 1})()",
    "method": "def name(self):\n        return 'x'",
    "class": "class name:\n        pass",
    "list": "name = []",
    "subclass of str": "name = type('S', (str,), {})('x')",
    "cached property": "name = functools.cached_property(lambda self: 'x')",
    "static method": "name = staticmethod(print)",
}


@pytest.mark.parametrize("definition", NOT_PLAIN.values(), ids=NOT_PLAIN)
@pytest.mark.parametrize("where", ["class C", "class Mixin", "after"])
def test_an_attribute_that_the_class_answers_for_is_not_compared(
    load: Load, definition: str, where: str
) -> None:
    before = (
        f"import functools\nclass Mixin:\n    {definition if where == 'class Mixin' else 'x = 1'}\n"
    )
    own = definition if where == "class C" else "x = 1"
    module = load(
        f"{before}class C(AsyncJsonWebsocketConsumer, Mixin):\n    {own}\n"
        "    async def h(self, event):\n        if self.name == event['text']:\n"
        "            await self.send('x')\n"
        f"class After:\n    {definition}\n"
    )
    if where == "after":
        assert plan_of(module.C).run(copied(EVENT)) is not None
        module.C.name = vars(module.After)["name"]
    assert not examine(module.C, "h").is_shared
    assert plan_of(module.C).run(copied(EVENT)) is None
