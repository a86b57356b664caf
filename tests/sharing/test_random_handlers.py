"""Random handlers of pure and impure pieces: shared ones send every member the same."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from members import ALICE, BOB, Load, seen_by, shared_with

from casgi.channels.sharing import examine

BEFORE = """
import random
import contextvars
from json import dumps
PREFIX = ">"
current = contextvars.ContextVar("current")
state = {}
items = []
def enter(name):
    current.set(name)
    state["name"] = name
    items[:] = [name]
def helper(value=None, other=None):
    return current.get()
def pure(value, other=None, *more, **named):
    match value:
        case str() if other:
            return [value, other]
        case {"text": text}:
            return text
    return [value]
"""
PURE_ATOMS = [
    *['event["text"]', 'event["number"]', 'event["items"]', 'event["nested"]["x"]', "event"],
    *['"text"', "3", "None", "True", "PREFIX", "local", 'event.get("missing")'],
]
IMPURE_ATOMS = [
    *["self.name", 'self.scope["user"]', "self.channel_name", "self", "state", 'state["name"]'],
    *["items", "current.get()", "helper()", "random.random()", "item", "helper", "id(event)"],
    *["getattr(self, 'name')", "locals()", "vars(self)", "iter(event)", "event.__class__"],
]
UNARY = [
    *["pure({})", "isinstance({}, (str, int))", "'{{!r}}'.format({})", "self.pure({})"],
    *["pure({}, other=1)", "await self.wait({})", "self.KIND + str({})"],
    *[
        "[{}]",
        "({},)",
        "{{'key': {}}}",
        "str({})",
        "f'{{{}}}'",
        "not {}",
        "[item for item in [{}]]",
    ],
    *["''.join(str(item) for item in [{}])", "json.dumps({})", "dumps([{}], default=str)"],
    *["len(str({}))", "sorted([str({})])", "{{item: 1 for item in [str({})]}}", "(local := {})"],
    *["list(enumerate([{}]))", "str(zip([{}]))", "dict(key={})", "[*[{}]]", "{{**event, 'k': {}}}"],
    *["(lambda: {})()", "str({}).upper()", "str({})[0:2]", "'{{}}'.format({})", "'%s' % ({},)"],
    *["[item for item in [1]] + [{}]", "{} is None", "sum([1], 2) and {}", "str({{str({})}})"],
]
BINARY = [
    *["[{}, {}]", "{} or {}", "{} == {}", "str({}) + str({})", "({} if event else {})"],
    *[
        "max(str({}), str({}))",
        "{} in [{}]",
        "dict(a={}, b={})",
        "{} != {}",
        "{} == self.name",
        "helper({}, {})",
        "(str({}), str({}))[0]",
    ],
]
SENDS = [
    *[
        "await self.send(str({}))",
        "await self.send_json({})",
        "await self.send(text_data=json.dumps({}))",
    ],
    *["await self.send(bytes_data=str({}).encode())", "await self.send(f'{{{}!r}}')"],
    *["await self.send(text_data=str({}), close=False)", "await self.channel_layer.send('x', {})"],
]
STATEMENTS = [
    *["local = {}", "local += str({})", "local: str = str({})", "event['text'] = {}", "pass"],
    *[
        "item = {}",
        "self.name = {}",
        "del event['text']",
        "raise ValueError({})",
        "assert {}",
        "return {}",
        "local, item = {}, 1",
        "event.update(other={})",
    ],
]
expressions = st.recursive(
    st.sampled_from(PURE_ATOMS * 3 + IMPURE_ATOMS),
    lambda inner: st.one_of(
        st.builds(str.format, st.sampled_from(UNARY), inner),
        st.builds(str.format, st.sampled_from(BINARY), inner, inner),
    ),
    max_leaves=4,
)
lines = st.one_of(
    st.builds(str.format, st.sampled_from(SENDS), expressions),
    st.builds(str.format, st.sampled_from(SENDS + STATEMENTS), expressions),
    st.builds("if {}:\n            await self.send({})".format, expressions, expressions),
    st.builds(
        "for item in [{}]:\n            await self.send(str({}))".format, expressions, expressions
    ),
)
bodies = st.lists(lines, min_size=1, max_size=3)


def text(body: list[str]) -> str:
    statements = "\n".join("        " + line for line in body)
    return (
        f"{BEFORE}\nclass C(AsyncJsonWebsocketConsumer):\n    async def h(self, event):\n"
        f"        local = ''\n{statements}\n"
        "    KIND = 'kind'\n"
        "    @staticmethod\n    def pure(value):\n        return [value]\n"
        "    async def wait(self, value):\n        return pure(value)\n"
    )


def is_python(source: str) -> bool:
    """Whether the pieces fit together: quotes within f-strings do not, before Python 3.12."""
    try:
        compile(source, "", "exec")
    except SyntaxError:
        return False
    return True


def sent(frames: list[Any]) -> list[Any]:
    """Return text and bytes; what an exception says is no frame."""
    return [frame.get("text", frame.get("bytes")) for frame in frames if isinstance(frame, dict)]


@settings(
    max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@pytest.mark.filterwarnings("ignore")
@given(body=bodies)
def test_shared_handlers_depend_on_the_event_alone(load: Load, body: list[str]) -> None:
    source = text(body)
    assume(is_python(source))
    module = load(source)
    if not examine(module.C, "h").is_shared:
        return
    for member in (ALICE, BOB):
        shared = shared_with(member, module)
        if shared is not None:
            assert sent(seen_by(member, module)) == shared


def test_both_verdicts_are_frequent(load: Load) -> None:
    """So that the test above looks at something."""
    verdicts = [
        examine(load(text([random.Random(seed).choice(SENDS[:5]).format(atom)])).C, "h").is_shared
        for seed, atom in enumerate(PURE_ATOMS + IMPURE_ATOMS)
    ]
    assert verdicts == [True] * len(PURE_ATOMS) + [False] * len(IMPURE_ATOMS)
