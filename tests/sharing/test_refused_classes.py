"""What in a consumer's class, or around a handler, makes it run for each consumer."""

import textwrap
from pathlib import Path

import pytest
from cases_of_classes import OF_CLASSES
from cases_of_functions import OF_FUNCTIONS
from cases_of_helpers import OF_HELPERS, OF_OWN_METHODS
from members import ALICE, BOB, EVENT, Load, copied, seen_by

from casgi.channels.sharing import examine, plan_of

CASES = {
    **OF_CLASSES,
    **OF_FUNCTIONS,
    **{f"helper: {name}": case for name, case in OF_HELPERS.items()},
    **{f"own method: {name}": case for name, case in OF_OWN_METHODS.items()},
}
DIFFERENT = [
    *[
        "own send",
        "send of a subclass",
        "send of a mixin in front",
        "send of a mixin in the middle",
    ],
    *["send_json", "encode_json", "send as a property", "send as a descriptor", "base_send"],
    *["__getattribute__", "decorator", "decorator with the handler's parameters", "closure"],
    *["callable object", "lambda", "default argument", "keyword argument", "star arguments only"],
    *["handler that a class hook replaces", "handler of another class in the same file"],
]


def text(case: str) -> str:
    return textwrap.dedent(CASES[case][1]).replace("\n\n", "\n")


@pytest.mark.parametrize("case", CASES)
def test_runs_for_each_consumer(load: Load, case: str) -> None:
    module = load(text(case))
    verdict = examine(module.C, "h")
    assert not verdict.is_shared
    assert CASES[case][0] in verdict.reason
    assert plan_of(module.C).run(copied(EVENT)) is None


@pytest.mark.parametrize("case", DIFFERENT)
def test_members_would_see_what_is_not_theirs(load: Load, case: str) -> None:
    module = load(text(case))
    assert seen_by(ALICE, module) != seen_by(BOB, module)


def test_line_is_that_of_the_method_which_overrides(load: Load) -> None:
    module = load(text("own send"))
    verdict = examine(module.C, "h")
    assert verdict.path == module.__file__
    line = Path(verdict.path).read_text().splitlines()[verdict.line - 1]
    assert line.strip().startswith("async def send(")


def test_methods_of_channels_are_no_handlers_of_a_group(load: Load) -> None:
    module = load("""
        class C(AsyncJsonWebsocketConsumer):
            async def disconnect(self, code):
                await self.send("x")
            async def websocket_receive(self, message):
                await self.send("x")
    """)
    for name in ("disconnect", "websocket_receive", "send", "accept", "connect", "close"):
        assert examine(module.C, name).reason == "has the name of a method of Channels"
        assert plan_of(module.C).run({"type": name}) is None
