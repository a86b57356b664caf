"""What in a handler makes it run for each consumer, and the line that is named for it."""

import textwrap
from pathlib import Path

import pytest
from case import Case
from cases_of_consumers import OF_CONSUMERS
from cases_of_globals import OF_GLOBALS
from cases_of_language import OF_LANGUAGE
from members import ALICE, BOB, EVENT, Load, copied, seen_by

from casgi.channels.sharing import examine, plan_of

CASES = {**OF_CONSUMERS, **OF_GLOBALS, **OF_LANGUAGE}


def text(case: Case) -> str:
    body = textwrap.indent(textwrap.dedent(case.body).strip(), " " * 8)
    head = "class C(AsyncJsonWebsocketConsumer):\n    async def h(self, event):\n"
    return f"{case.before}\n{head}{body}\n"


def marked(path: str, default: int) -> int:
    lines = Path(path).read_text().splitlines()
    return next((number for number, line in enumerate(lines, 1) if "# HERE" in line), default)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_runs_for_each_consumer(load: Load, case: Case) -> None:
    module = load(text(case))
    verdict = examine(module.C, "h")
    assert not verdict.is_shared
    assert case.reason in verdict.reason
    assert verdict.path == module.__file__
    assert verdict.line == marked(verdict.path, module.C.h.__code__.co_firstlineno)
    assert plan_of(module.C).run(copied(EVENT)) is None


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name) for name, case in CASES.items() if case.differs],
)
def test_members_would_see_what_is_not_theirs(load: Load, case: Case) -> None:
    module = load(text(case))
    assert seen_by(ALICE, module) != seen_by(BOB, module)
