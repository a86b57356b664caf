"""Handlers that are shared without a change to them, and what running them once gives."""

import gc
import inspect
import weakref

import pytest
from members import ALICE, BOB, EVENT, Load, copied, method_names, payloads, seen_by

from casgi.channels.sharing import examine, plan_of

# Bodies of `async def h(self, event)` of an AsyncJsonWebsocketConsumer, one for each thing that is
# let through; each must send something.
BODIES = {
    "the tutorial's": """
        message = event["text"]
        await self.send(text_data=json.dumps({"message": message}))""",
    "positional": """await self.send(event["text"])""",
    "bytes": """await self.send(bytes_data=event["text"].encode())""",
    "utf-8": """await self.send(bytes_data=event["text"].encode("utf-8"))""",
    "send_json": """await self.send_json({"type": "message", **event})""",
    "send_json by keyword": """await self.send_json(content=event)""",
    "several": """
        await self.send_json(1)
        await self.send_json(2)""",
    "docstring": '''
        """Says hello."""
        await self.send("hello")''',
    "global constant": """await self.send(PREFIX + event["text"])""",
    "method of a global constant": """await self.send(PREFIX.join(event["items"]))""",
    "imported function": """await self.send(dumps(event))""",
    "renamed import": """await self.send(encode(event))""",
    "dumps' options": """
        await self.send(json.dumps(event, ensure_ascii=False, separators=(",", ":"), indent=1))""",
    "default=str": """await self.send(json.dumps(event, default=str, sort_keys=True))""",
    "DjangoJSONEncoder": """await self.send(json.dumps(event, cls=DjangoJSONEncoder))""",
    "loads": """await self.send_json(json.loads("[1, 2]"))""",
    "html.escape": """await self.send(html.escape(event["text"], quote=True))""",
    "f-string": """await self.send(f"{event['text']!r:>10} {event['nested']['x']:,.2f} {1:03d}")""",
    "percent": """await self.send("%s: %d" % (event["text"], event["number"]))""",
    "condition": """
        if event["number"] > 3 and not event.get("other") or event["text"] != "x":
            await self.send("many" if event["number"] else "none")
        else:
            return""",
    "membership in constants": """
        if event["text"] in {"hello", "bye"}:
            await self.send("known")""",
    "identity with None": """
        if event["nested"]["y"] is None:
            await self.send("none")""",
    "loop": """
        for number, item in enumerate(event["items"], start=1):
            if item == "x":
                break
            await self.send(f"{number} {item}")
        else:
            await self.send("end")""",
    "comprehensions": """
        texts = [item.upper() for item in event["items"] if item]
        numbers = {key: value for key, value in event["nested"].items()}
        await self.send_json({"texts": texts, "all": numbers, "sum": sum(n for n in (1, 2))})""",
    "nested comprehension": """
        prefix = event["text"]
        await self.send_json([[prefix + a + b for b in event["items"]] for a in event["items"]])""",
    "walrus": """
        if (text := event.get("text")) and any((last := item) == "a" for item in event["items"]):
            await self.send(text + last)""",
    "own containers change": """
        event.pop("type")
        event["extra"] = 1
        first, *others = event["items"]
        numbers: list = []
        numbers.append(first)
        numbers.extend(others)
        numbers += others
        event["nested"]["x"] += 1
        await self.send_json([event, numbers])""",
    "annotated": """
        text: str = event["text"]
        await self.send(text)""",
    "slices": """await self.send(event["text"][1:3] + event["text"][::-1])""",
    "builtins": """
        await self.send_json([
            len(event), max(event["items"]), min(3, event["number"]), round(1.5), abs(-1),
            sorted(event["items"], reverse=True), list(zip(event["items"], range(2))),
            tuple(reversed(event["items"])), dict(a=1), int("3"), float("1"), bool(event),
            divmod(7, 2), ord("a"), chr(97), all(event["items"]), str(event["number"]),
        ])""",
}
HEADER = """
import html
from json import dumps
from json import dumps as encode
from django.core.serializers.json import DjangoJSONEncoder
PREFIX = ">"
"""


def indented(body: str) -> str:
    return "\n".join("        " + line for line in inspect.cleandoc(body).splitlines())


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_body_is_proved(load: Load, body: str) -> None:
    module = load(
        f"{HEADER}\nclass C(AsyncJsonWebsocketConsumer):\n"
        f"    async def h(self, event):\n{indented(body)}\n"
    )
    verdict = examine(module.C, "h")
    assert (verdict.how, verdict.reason) == ("proved", "")
    sent_once = payloads(plan_of(module.C), copied(EVENT))
    assert sent_once
    for member in (ALICE, BOB):
        sent = [message.get("text", message.get("bytes")) for message in seen_by(member, module)]
        assert sent == list(sent_once)


@pytest.mark.parametrize(
    ("base", "body"),
    [
        ("WebsocketConsumer", 'self.send(text_data=json.dumps({"message": event["text"]}))'),
        ("WebsocketConsumer", 'self.send(bytes_data=event["text"].encode())'),
        ("JsonWebsocketConsumer", "self.send_json(event)"),
        ("SyncConsumer", 'self.send({"type": "websocket.send", "text": event["text"]})'),
    ],
)
def test_sync_consumers_are_proved(load: Load, base: str, body: str) -> None:
    module = load(f"class C({base}):\n    def h(self, event):\n        {body}")
    assert examine(module.C, "h").how == "proved"
    sent_once = payloads(plan_of(module.C), copied(EVENT))
    assert sent_once
    sent = [message.get("text", message.get("bytes")) for message in seen_by(ALICE, module)]
    assert sent == list(sent_once)


def test_plain_async_consumer_is_proved(load: Load) -> None:
    module = load("""
        class C(AsyncConsumer):
            async def h(self, message, /):
                await self.send({"type": "websocket.send", "text": message["text"]})
    """)
    assert payloads(plan_of(module.C), copied(EVENT)) == ("hello",)


def test_handler_may_come_from_a_mixin_and_classes_may_have_state(load: Load) -> None:
    module = load("""
        class Mixin:
            count = 0
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.started = True
            async def h(this, event):
                await this.send(event["text"])
        class Base(AsyncWebsocketConsumer):
            async def connect(self):
                await self.accept()
        class C(Mixin, Base):
            pass
    """)
    assert examine(module.C, "h").how == "proved"


def test_handler_that_sends_nothing_is_proved(load: Load) -> None:
    module = load("""
        class C(AsyncWebsocketConsumer):
            async def h(self, event):
                pass
    """)
    assert payloads(plan_of(module.C), copied(EVENT)) == ()
    assert method_names(plan_of(module.C), copied(EVENT)) == ["h"]


def test_run_names_the_methods_that_count(load: Load) -> None:
    module = load("""
        class C(AsyncJsonWebsocketConsumer):
            async def chat_text(self, event):
                await self.send(event["text"])
            async def chat_json(self, event):
                await self.send_json(event)
    """)
    for message_type, names in {
        "chat.text": ["chat_text", "send"],
        "chat.json": ["chat_json", "send", "send_json", "encode_json"],
    }.items():
        run = plan_of(module.C).run({**copied(EVENT), "type": message_type})
        assert run is not None
        assert [each.name for each in run.attributes] == names
        consumer = module.C()
        for name, function, _ in run.attributes:
            assert getattr(consumer, name).__func__ is function


@pytest.mark.parametrize("message_type", ["_h", ".h", "__init__", "nothing", None, 3, "send", "_"])
def test_types_that_name_no_handler(load: Load, message_type: object) -> None:
    module = load("""
        class C(AsyncWebsocketConsumer):
            async def _h(self, event):
                await self.send(event["text"])
    """)
    plan = plan_of(module.C)
    assert plan.run({"type": message_type, "text": "x"}) is None
    assert plan.run({"text": "x"}) is None


def test_dots_are_underscores(load: Load) -> None:
    module = load("""
        class C(AsyncWebsocketConsumer):
            async def chat_message_new(self, event):
                await self.send(event["text"])
    """)
    message = {"type": "chat.message.new", "text": "x"}
    assert payloads(plan_of(module.C), message) == ("x",)


@pytest.mark.parametrize(
    "body",
    [
        'await self.send(event["missing"])',
        "await self.send()",
        "await self.send(text_data=3)",
        "await self.send(bytes_data=[1])",
        'await self.send({"type": "websocket.close"})',
        "await self.send_json(b'')",
    ],
)
def test_what_cannot_be_recorded_runs_for_each(load: Load, body: str) -> None:
    module = load(f"""
        class C(AsyncJsonWebsocketConsumer):
            async def h(self, event):
                await self.send(event["text"])
                {body}
    """)
    assert examine(module.C, "h").how == "proved"
    assert plan_of(module.C).run(copied(EVENT)) is None


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.send", "text": "x", "bytes": None},
        {"type": "websocket.send", "text": None},
        {"type": "websocket.send", "text": b"x"},
        {"type": "websocket.send"},
        {"type": "websocket.close", "text": "x"},
        {"type": "websocket.group.send", "group": "g", "text": "x"},
        {"text": "x"},
        ["text"],
    ],
)
def test_other_messages_are_not_recorded(load: Load, message: object) -> None:
    module = load(f"""
        class C(AsyncConsumer):
            async def h(self, event):
                await self.send({message!r})
    """)
    assert examine(module.C, "h").how == "proved"
    assert plan_of(module.C).run(copied(EVENT)) is None


def test_plan_goes_with_its_class(load: Load) -> None:
    module = load("""
        def make():
            class C(AsyncWebsocketConsumer):
                async def h(self, event):
                    await self.send(event["text"])
            return C
    """)
    consumer_class = module.make()
    assert plan_of(consumer_class) is plan_of(consumer_class)
    assert payloads(plan_of(consumer_class), copied(EVENT)) == ("hello",)
    gone = weakref.ref(consumer_class)
    del consumer_class
    gc.collect()
    assert gone() is None
