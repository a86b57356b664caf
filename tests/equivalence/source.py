"""Programs as Python source: a module of consumers with its `application`.

Real source files, because the proof that a handler can be shared reads source.
"""

from __future__ import annotations

from collections.abc import Iterator

from equivalence.phrases import (
    ASYNC_BASES,
    CHECKS,
    CONDITIONS,
    FAILURES,
    HEADER,
    MIDDLEWARE,
    OVERRIDES,
    SENDS,
    TEXTS,
)
from equivalence.program import (
    Accept,
    Change,
    Check,
    Close,
    Consumer,
    Count,
    Fail,
    Gate,
    GroupSend,
    Guarded,
    Handler,
    Join,
    Journal,
    Later,
    Leave,
    Part,
    Program,
    Remove,
    Returning,
    Send,
    Shadow,
    Step,
    Steps,
    Tell,
    Turn,
    Twice,
    When,
)


def source_of(program: Program) -> str:
    """Return the module's text."""
    parts = [HEADER, *(MIDDLEWARE[name] + "\n" for name in dict.fromkeys(program.middleware))]
    for number, consumer in enumerate(program.consumers):
        parts.append(_class(number, consumer))
    routes = ", ".join(
        f're_path(r"^{number}/", Consumer{number}.as_asgi())'
        for number in range(len(program.consumers))
    )
    parts.append(f"application = URLRouter([{routes}])")
    parts += [f"application = {name}(application)" for name in program.middleware]
    return "\n\n".join(parts) + "\n"


def _class(number: int, consumer: Consumer) -> str:
    base = f"Consumer{number - 1}" if consumer.extends else consumer.base
    lines = [f"class Consumer{number}({base}):", f"    groups = {list(consumer.groups)!r}"]
    lines += [f'    motto = "of class {number}"']
    methods = [*_overrides(consumer), *_Methods(consumer).all()]
    for method in methods:
        lines += ["", *_indented(method.splitlines())]
    return "\n".join(lines)


def _overrides(consumer: Consumer) -> Iterator[str]:
    is_async = consumer.base in ASYNC_BASES
    words = {
        "async": "async " if is_async else "",
        "await": "await " if is_async else "",
        "json_async": "async " if is_async else "",
    }
    for name in consumer.overrides:
        text = OVERRIDES[name]
        for word, meaning in words.items():
            text = text.replace("{" + word + "}", meaning)
        yield text


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line if line else "" for line in lines]


class _Methods:
    """The methods of one consumer class."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.is_async = consumer.base in ASYNC_BASES
        self.is_json = "Json" in consumer.base
        self.wait = "await " if self.is_async else ""

    def all(self) -> Iterator[str]:
        consumer = self.consumer
        prelude = ["self.name = name_of(self.scope)", "self.count = 0", "arrive(self)"]
        prelude += ['self.rank = "abcd".find(self.name)']
        yield self._method(
            "connect(self)", [*prelude, 'event = event_of("connect")'], consumer.connect
        )
        ending = ['event = event_of("disconnect")', 'journal(self, f"disconnected {code}")']
        yield self._method("disconnect(self, code)", ending, consumer.disconnect)
        yield from self._receiving()
        yield '@property\ndef label(self):\n    return "label of " + self.name'
        yield 'kind = "kind"'
        yield 'def bracketed(self, text):\n    return "[" + text + self.kind + "]"'
        yield "@staticmethod\ndef doubled(text):\n    return text + text"
        yield self._plain(
            "answer(self, content, close=False)",
            [f"{self.wait}self.send(text_data=json.dumps(content), close=close)"],
        )
        yield 'def title(self):\n    return "title of " + self.name'
        if self.is_async:
            yield (
                "async def later(self, event, name):\n"
                "    if name:\n"
                "        await gate(self, name)\n"
                '    await self.send(text_data="later " + event["text"])'
            )
        for command, handler in consumer.commands.items():
            yield self._handler("on_" + command, handler)
        for type_, handler in consumer.events.items():
            yield self._handler(type_.replace(".", "_"), handler)

    def _receiving(self) -> Iterator[str]:
        find = 'getattr(self, "on_" + event["command"], None)'
        body = [f"handler = {find}", "if handler:", f"    {self.wait}handler(event)"]
        if self.is_json:
            yield self._plain("receive_json(self, content)", ["event = content", *body])
        else:
            decode = ["event = json.loads(text_data if text_data is not None else bytes_data)"]
            yield self._plain("receive(self, text_data=None, bytes_data=None)", [*decode, *body])

    def _plain(self, signature: str, lines: list[str]) -> str:
        define = "async def" if self.is_async else "def"
        return "\n".join([f"{define} {signature}:", *_indented(lines)])

    def _method(self, signature: str, lines: list[str], steps: Steps) -> str:
        return self._plain(signature, [*lines, *self._steps(steps)])

    def _handler(self, name: str, handler: Handler) -> str:
        signature, lines, before = f"{name}(self, event)", [], ""
        if handler.style == "default":
            signature = f"{name}(self, event, seen=[])"
            lines = ["seen.append(event)", f"{self.wait}self.send(text_data=str(len(seen)))"]
        elif handler.style == "decorated":
            before = "@named\n"
        elif handler.style == "options":
            signature = f"{name}(self, event, type='t', *rest, key=1, **more)"
        elif handler.style == "returning":
            return self._method(signature, [], (*handler.steps, Returning()))
        elif handler.style == "docstring":
            lines = ['"""Handle the event."""']
        elif handler.style == "closure":
            lines = [f"{self.wait}self.send(text_data=enclosed([1])())"]
        return before + self._method(signature, lines, handler.steps)

    def _steps(self, steps: Steps) -> list[str]:
        return [line for step in steps for line in self._step(step)] or ["pass"]

    def _block(self, head: str, steps: Steps) -> list[str]:
        return [head, *_indented(self._steps(steps))]

    def _step(self, step: Step) -> list[str]:
        match step:
            case Send(what, how):
                how = "text" if how == "json" and not self.is_json else how
                return [self.wait + SENDS[how].format(text=TEXTS[what])]
            case Accept():
                return [f"{self.wait}self.accept()"]
            case Close(code, reason):
                return [f"{self.wait}self.close({code!r}, {reason!r})"]
            case Fail(how):
                return [FAILURES[how]]
            case Gate(name):
                return [
                    f"await gate(self, {name!r})" if self.is_async else f"sync_gate(self, {name!r})"
                ]
            case Turn():
                return ["await asyncio.sleep(0)" if self.is_async else "pass"]
            case When(condition, steps):
                return self._block(f"if {CONDITIONS[condition]}:", steps)
            case Twice(steps):
                return self._block("for _ in range(2):", steps)
            case Guarded(steps):
                catch = ["except Exception as error:", "    journal(self, type(error).__name__)"]
                return [*self._block("try:", steps), *catch]
            case Join() | Part() | GroupSend() | Tell():
                return self._layer_step(step)
        return self._own_step(step)

    def _layer_step(self, step: Step) -> list[str]:
        match step:
            case Join(group):
                return [self._call("group_add", f"{group!r}, self.channel_name")]
            case Part(group):
                return [self._call("group_discard", f"{group!r}, self.channel_name")]
            case GroupSend(group, type_, label):
                call = self._call("group_send", f"{group!r}, follow(event, {type_!r}, {label!r})")
            case Tell(type_, label):
                call = self._call("send", f"self.channel_name, follow(event, {type_!r}, {label!r})")
        return ["if goes_on(event):", "    " + call]

    def _call(self, method: str, arguments: str) -> str:
        function = f"self.channel_layer.{method}"
        return (
            f"await {function}({arguments})"
            if self.is_async
            else f"async_to_sync({function})({arguments})"
        )

    def _own_step(self, step: Step) -> list[str]:
        match step:
            case Returning():
                return [f"return {self.wait}self.send(text_data=event['text'])"]
            case Remove():
                return ['del event["items"][:]']
            case Check(how):
                return CHECKS[how].splitlines()
            case Journal(text):
                return [f"journal(self, {text!r} + ' ' + event['text'])"]
            case Count():
                return ["self.count += 1"]
            case Change():
                return ['event["text"] += "*"', 'event["items"].append(event["n"])']
            case Later(gate):
                return [f"start(self.later(event, {gate!r}))" if self.is_async else "pass"]
            case Leave():
                return ["return"]
            case Shadow(method):
                return self._shadow(method)
        raise TypeError(f"not a step: {step!r}")

    def _shadow(self, method: str) -> list[str]:
        if method == "send":
            define = "async def" if self.is_async else "def"
            return [
                f"{define} shadow(text_data=None, bytes_data=None, close=False):",
                f"    {self.wait}type(self).send(self, 'by ' + self.name, None, close)",
                "self.send = shadow",
            ]
        target = method.replace(".", "_")
        define = "async def" if self.is_async else "def"
        return [
            f"{define} shadow_of_{target}(event):",
            f"    {self.wait}self.send(text_data='shadow of ' + self.name)",
            f"self.{target} = shadow_of_{target}",
        ]
