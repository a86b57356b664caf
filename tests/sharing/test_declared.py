"""`@shared`: what it promises, what it refuses, and what happens when the promise is broken."""

import inspect
import logging
from types import FunctionType

import pytest
from members import EVENT, Load, copied, method_names, payloads

from casgi.channels import shared
from casgi.channels.sharing import examine, plan_of

HELPER = """
from casgi.channels import shared
def line(event):
    return "> " + event["text"]
"""


def test_declared_handler_is_shared(load: Load) -> None:
    module = load(
        HELPER
        + """
class C(AsyncWebsocketConsumer):
    async def before(self, event):
        await self.send(line(event) + str(id(event)))
    @shared
    async def h(self, event):
        await self.send(line(event))
        await self.send(bytes_data=b"x")
class S(JsonWebsocketConsumer):
    @shared
    def h(self, event):
        self.send(line(event))
        self.send_json([1])
"""
    )
    assert not examine(module.C, "before").is_shared
    verdict = examine(module.C, "h")
    assert (verdict.is_shared, verdict.how, verdict.reason) == (True, "declared", "")
    assert payloads(plan_of(module.C), copied(EVENT)) == ("> hello", b"x")
    assert payloads(plan_of(module.S), copied(EVENT)) == ("> hello", "[1]")
    assert method_names(plan_of(module.C), copied(EVENT)) == ["h", "send"]
    names = method_names(plan_of(module.S), copied(EVENT))
    assert names == ["h", "send", "send_json", "encode_json"]


def test_function_stays_itself() -> None:
    async def h(self, event):  # type: ignore[no-untyped-def]
        await self.send("x")

    assert shared(h) is h
    assert inspect.iscoroutinefunction(h)


def test_class_rules_hold_for_declared_handlers(load: Load) -> None:
    module = load(
        HELPER
        + """
class C(AsyncWebsocketConsumer):
    @shared
    async def h(self, event):
        await self.send(line(event))
class Signed(C):
    async def send(self, text_data=None, bytes_data=None, close=False):
        await super().send(self.scope["user"])
class Again(C):
    async def h(self, event):
        await self.send(self.scope["user"])
class Meta(type):
    pass
class Other(C, metaclass=Meta):
    pass
"""
    )
    assert examine(module.C, "h").how == "declared"
    assert "Signed defines send" in examine(module.Signed, "h").reason
    assert examine(module.Again, "h").reason == "uses self.scope"
    assert "metaclass" in examine(module.Other, "h").reason


def test_mark_does_not_pass_to_a_wrapper(load: Load) -> None:
    module = load(
        HELPER
        + """
import functools
def signed(function):
    @functools.wraps(function)
    async def wrapper(self, event):
        await self.send(self.scope["user"])
    return wrapper
class C(AsyncWebsocketConsumer):
    @signed
    @shared
    async def h(self, event):
        await self.send(line(event))
"""
    )
    assert not examine(module.C, "h").is_shared
    assert plan_of(module.C).run(copied(EVENT)) is None


def test_mark_does_not_pass_to_other_code(load: Load) -> None:
    module = load(
        HELPER
        + """
class C(AsyncWebsocketConsumer):
    @shared
    async def h(self, event):
        await self.send(line(event))
    async def other(self, event):
        await self.send(self.scope["user"])
"""
    )
    assert payloads(plan_of(module.C), copied(EVENT)) == ("> hello",)
    module.C.h.__code__ = module.C.other.__code__
    assert plan_of(module.C).run(copied(EVENT)) is None


REFUSED = {
    "await of a helper": ("await load(event)", "awaits load(event)"),
    "await of a method": ("await self.load(event)", "awaits self.load(event)"),
    "await of the layer": (
        'await self.channel_layer.group_send("g", event)',
        "awaits self.channel_layer.group_send",
    ),
    "await of another's send": ("await event.send('x')", "awaits event.send"),
    "await of what sending gives": ("await (self.send)", "awaits self.send"),
    "async for": ("async for row in rows(): pass", "async for row in rows()"),
    "async with": ("async with lock: pass", "async with lock"),
    "async comprehension": ("x = [row async for row in rows()]", "awaits rows()"),
    "generator": ("yield event", "is a generator"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED)
def test_waiting_is_refused_where_it_is_declared(load: Load, body: str, reason: str) -> None:
    with pytest.raises(TypeError) as refused:
        load(
            "from casgi.channels import shared\nclass C(AsyncWebsocketConsumer):\n"
            f"    @shared\n    async def h(self, event):\n        {body}\n"
        )
    assert reason in str(refused.value)
    assert "C.h cannot be shared" in str(refused.value)
    assert "leave @shared out" in str(refused.value)


@pytest.mark.parametrize(
    "parameters", ["self", "self, event, more", "*events", "self, event, *, key=1", "self, **event"]
)
def test_parameters_are_checked_where_it_is_declared(parameters: str) -> None:
    namespace: dict[str, FunctionType] = {}
    exec(f"async def h({parameters}): pass", namespace)
    with pytest.raises(TypeError, match="does not take self and the event"):
        shared(namespace["h"])


@pytest.mark.parametrize("thing", [print, 3, staticmethod(print), property(print), object()])
def test_only_functions_can_be_declared(thing: object) -> None:
    with pytest.raises(TypeError, match="plain method"):
        shared(thing)  # type: ignore[type-var]


BROKEN = {
    "raises": ("raise ValueError('no')", "raised ValueError('no')"),
    "uses what only consumers have": (
        "await self.send(self.scope['user'])",
        "raised AttributeError",
    ),
    "waits": ("await self.send((await_ := event) and await_.x)", "raised AttributeError"),
    "closes": ("await self.send('x', close=True)", "it closes"),
    "sends another type": ("await self.send(text_data=3)", "sent something else"),
    "sends a subclass of str": ("await self.send(Text('x'))", "sent something else"),
    "cancels": ("raise asyncio.CancelledError", "raised CancelledError"),
    "stops": ("raise StopConsumer", "raised StopConsumer"),
}


@pytest.mark.parametrize(("body", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_promise_is_told_once(
    load: Load, caplog: pytest.LogCaptureFixture, body: str, reason: str
) -> None:
    module = load(f"""
        import asyncio
        from casgi.channels import shared
        from channels.exceptions import StopConsumer
        class Text(str):
            pass
        class C(AsyncWebsocketConsumer):
            @shared
            async def h(self, event):
                await self.send("first")
                {body}
    """)
    with caplog.at_level(logging.DEBUG, "casgi.channels"):
        for _ in range(3):
            assert plan_of(module.C).run(copied(EVENT)) is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"{module.__name__}.C.h runs for each consumer: it " in record.getMessage()
    assert reason in record.getMessage()


def test_waiting_that_no_source_shows_is_found_when_it_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from channels.generic.websocket import AsyncWebsocketConsumer

    namespace = {"shared": shared, "AsyncWebsocketConsumer": AsyncWebsocketConsumer}
    exec(
        "import asyncio\nclass C(AsyncWebsocketConsumer):\n"
        "    @shared\n    async def h(self, event):\n"
        "        await self.send('x')\n        await asyncio.sleep(0)\n",
        namespace,
    )
    assert plan_of(namespace["C"]).run(copied(EVENT)) is None  # type: ignore[arg-type]
    assert "waited for something" in caplog.text


def test_exit_is_not_swallowed(load: Load) -> None:
    module = load(
        HELPER
        + """
class C(AsyncWebsocketConsumer):
    @shared
    async def h(self, event):
        raise SystemExit(3)
"""
    )
    with pytest.raises(SystemExit):
        plan_of(module.C).run(copied(EVENT))


def test_what_is_not_shared_by_itself_is_told_at_debug_level(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    module = load("""
        class C(AsyncWebsocketConsumer):
            async def impure(self, event):
                await self.send(self.scope["user"])
            async def failing(self, event):
                await self.send(event["missing"])
    """)
    with caplog.at_level(logging.DEBUG, "casgi.channels"):
        for name in ("impure", "failing", "nothing", "impure", "failing"):
            assert plan_of(module.C).run({"type": name}) is None
    assert [record.levelno for record in caplog.records] == [logging.DEBUG] * 2
    assert "C.impure runs for each consumer: it uses self.scope" in caplog.text
    assert "C.failing runs for each consumer: it raised KeyError('missing')" in caplog.text


SWALLOWED = {
    "closing": ("self.close()", "closes"),
    "something else": ("self.send(text_data=3)", "sent something else than text or bytes"),
    "more": ("self.base_send({'type': 'websocket.send', 'text': 'x', 'more': 1})", "other keys"),
}


@pytest.mark.parametrize(("call", "reason"), SWALLOWED.values(), ids=SWALLOWED)
def test_what_is_refused_cannot_be_caught(
    load: Load, caplog: pytest.LogCaptureFixture, call: str, reason: str
) -> None:
    module = load(f"""
        from casgi.channels import shared
        class C(WebsocketConsumer):
            @shared
            def h(self, event):
                self.send(event["text"])
                try:
                    {call}
                except BaseException:
                    pass
    """)
    assert examine(module.C, "h").how == "declared"
    assert plan_of(module.C).run(copied(EVENT)) is None
    assert reason in caplog.text
