"""Attacks on each rule by which handlers are shared: no member ever gets what is not its own.

What a shared run would give to a member is what its own consumer sends, or there is no shared run:
when the handler was just proved, after the attack has changed something, and when that is undone.
"""

import contextvars
import types
from typing import Any

import pytest
from attack import BEFORE, Attack
from attacks_on_constants import ON_CONSTANTS
from attacks_on_functions import ON_FUNCTIONS
from attacks_on_members import ON_MEMBERS
from attacks_on_sending import ON_SENDING
from attacks_on_statements import ON_STATEMENTS
from members import ALICE, BOB, EVENT, Load, Member, copied, seen_by

from casgi import _core
from casgi.channels.sharing.plan import plan_of

RULES: dict[str, dict[str, Attack]] = {
    **ON_SENDING,
    **ON_FUNCTIONS,
    **ON_STATEMENTS,
    **ON_CONSTANTS,
    **ON_MEMBERS,
}
COMPARED = (str, int, bool, type(None))


def has_attributes(consumer: Any, attributes: tuple[Any, ...]) -> bool:
    """Whether a member's consumer is as its class says, as csrc/channels/fan_out.c looks at it."""
    for name, value, is_method in attributes:
        found = getattr(consumer, name, None)
        if not is_method:
            if found is not value:
                return False
        elif (
            type(found) is not types.MethodType
            or found.__func__ is not value
            or (found.__self__ is not consumer and found.__self__ is not type(consumer))
        ):
            return False
    return True


def applies(consumer: Any, comparisons: tuple[Any, ...]) -> bool:
    for name, value, is_equal in comparisons:
        found = getattr(consumer, name, ...)
        if not any(type(found) is each for each in COMPARED) or (found == value) is not is_equal:
            return False
    return True


def shared_with(member: Member, module: types.ModuleType) -> list[Any] | None:
    """Return what a shared run, started by somebody else, gives to a member; None without one."""

    def run() -> Any:
        module.enter("sender")
        return plan_of(module.C).run(copied(EVENT))

    shared = contextvars.copy_context().run(run)
    if shared is None:
        return None
    consumer = member.consumer(module.C, [])
    getattr(module, "joined", id)(consumer)
    if not has_attributes(consumer, shared.attributes):
        return None
    for comparisons, payloads in shared.outcomes:
        if applies(consumer, comparisons):
            return list(payloads)
    return None


def own_view(member: Member, module: types.ModuleType) -> list[Any]:
    """Return what a member's consumer sends itself."""
    sent = seen_by(member, module, joined=getattr(module, "joined", id))
    return [
        each.get("text", each.get("bytes")) if type(each) is dict and "type" in each else each
        for each in sent
    ]


def bare_view(module: types.ModuleType) -> list[Any]:
    """Return what the handler sends from a stand-in, without any proof."""
    consumer = object.__new__(module.C)
    sent: list[Any] = []

    async def base_send(message: Any) -> None:
        sent.append(message.get("text", message.get("bytes")))

    consumer.base_send = base_send

    def run() -> None:
        module.enter("sender")
        result = consumer.h(copied(EVENT))
        if hasattr(result, "send"):
            result.send(None)

    try:
        contextvars.copy_context().run(run)
    except StopIteration:
        pass
    except BaseException as error:
        sent.append(error)
    return sent


def check(module: types.ModuleType) -> int:
    """Compare both views of both members; return how many a shared run would have reached."""
    reached = 0
    for member in (ALICE, BOB):
        shared = shared_with(member, module)
        if shared is not None:
            reached += 1
            assert shared == own_view(member, module)
    return reached


ALL = [
    pytest.param(attack, id=f"{rule}: {name}")
    for rule, attacks in RULES.items()
    for name, attack in attacks.items()
]


def played(module: types.ModuleType, patch: pytest.MonkeyPatch, then: str) -> list[list[Any]]:
    """Play an attack; return what both members see in the end, and what a stand-in would send."""
    reached = check(module)
    if then:
        assert reached, "the handler is not shared before the attack"
        names = vars(module).copy()
        exec(then, names | {"module": module, "patch": patch})
        check(module)
    return [own_view(ALICE, module), own_view(BOB, module), bare_view(module)]


@pytest.mark.parametrize("attack", ALL)
def test_no_member_gets_what_is_not_its_own(
    load: Load, monkeypatch: pytest.MonkeyPatch, attack: Attack
) -> None:
    module = load(BEFORE + attack.text)
    with monkeypatch.context() as patch:
        views = played(module, patch, attack.then)
    check(module)
    assert not views[0] == views[1] == views[2], "there is nothing to be got wrong"


def test_each_rule_has_its_attacks() -> None:
    assert len(RULES) == 15
    for rule, attacks in RULES.items():
        texts = {each.text + each.then for each in attacks.values()}
        assert len(texts) == len(attacks) >= 20, rule


class Unchanging:
    """Facts that hold whatever happens."""

    def __init__(self, facts: object) -> None:
        pass

    def hold(self) -> bool:
        return True


def test_corpus_notices_what_changes_unnoticed(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    later = [each for attacks in RULES.values() for each in attacks.values() if each.then]
    monkeypatch.setattr(_core, "Facts", Unchanging)
    noticed = 0
    for attack in later[::4]:
        module = load(BEFORE + attack.text)
        with monkeypatch.context() as patch:
            try:
                played(module, patch, attack.then)
            except AssertionError:
                noticed += 1
    assert noticed >= 5
