"""The comparison finds what it is there to find, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from equivalence.codec import from_json, to_json
from equivalence.companies import Company
from equivalence.comparison import compare
from equivalence.facts import determined
from equivalence.program import (
    Accept,
    Broadcasts,
    Case,
    Check,
    Connects,
    Consumer,
    Gate,
    GroupSend,
    Guarded,
    Handler,
    Opens,
    Program,
    Says,
    Send,
    Shadow,
    Steps,
    When,
)
from equivalence.strategies import cases

Companies = Callable[[str], Company]
EXAMPLES = 60
TWO_MESSAGES = (GroupSend("g0", "chat.message", "1"), GroupSend("g0", "chat.message", "2"))
ACCEPT = (Accept(),)


def chat(
    event: Steps,
    *,
    base: str = "AsyncWebsocketConsumer",
    connect: Steps = ACCEPT,
    middleware: tuple[str, ...] = (),
) -> Case:
    """Two clients in a group; the first says something that leads to messages, five times."""
    consumer = Consumer(
        base=base,
        groups=("g0",),
        connect=connect,
        commands={"x": Handler(TWO_MESSAGES)},
        events={"chat.message": Handler(event), "note.event": Handler((Gate(), Send("event")))},
    )
    talk = [Says("a", "x"), Broadcasts("g0", "chat.message")] * 5
    gated = [Broadcasts("g0", "note.event"), Broadcasts("g0", "chat.message"), Opens("a")]
    return Case(Program((consumer,), middleware), (Connects("a"), Connects("b"), *talk, *gated))


SABOTAGED = {
    "share_everything": chat((Send("both"),)),
    "trust_members": chat((Send("member with a text of its own"),), middleware=("naming",)),
    "choose_wrongly": chat((When("not me", (Send("event"),)),)),
    "swallow_exceptions": chat((Check("raise"), Send("event"), Guarded((Send("missing"),)))),
    "overlook_attributes": chat((Send("event"),), connect=(*ACCEPT, Shadow("send"))),
    "overlook_wrappers": chat((Send("event"),), middleware=("tagging",)),
    "overlap_handlers": chat((Send("event"),)),
    "swap_messages": chat((Send("event"),)),
    "lose_messages": chat((Send("event"),)),
}


@pytest.mark.parametrize("sabotage", SABOTAGED)
def test_what_is_broken_is_found(
    sabotage: str, company: Companies, stock: Company, accelerated: Company
) -> None:
    case = SABOTAGED[sabotage]
    assert not compare(case, stock, accelerated).wrong
    assert compare(case, stock, company(sabotage), orders=range(1, 11)).wrong


@pytest.mark.parametrize("base", ["AsyncWebsocketConsumer", "JsonWebsocketConsumer"])
@pytest.mark.parametrize("middleware", [(), ("sessions",), ("threads",)], ids=str)
def test_shareable_handlers_are_shared_here(
    base: str, middleware: tuple[str, ...], stock: Company, accelerated: Company
) -> None:
    comparison = compare(
        chat((Send("event"),), base=base, middleware=middleware), stock, accelerated
    )
    assert comparison.stock["shared"] == 0
    assert comparison.accelerated["shared"] > 0


def test_what_stock_channels_leaves_open_is_not_determined(stock: Company) -> None:
    """Two consumers answer to the same third: in any order, each in its own."""
    answer = (GroupSend("g1", "note.event", "1"), GroupSend("g1", "note.event", "2"))
    asking = Consumer(
        "AsyncWebsocketConsumer", groups=("g0",), events={"chat.message": Handler(answer)}
    )
    listening = Consumer(
        "AsyncWebsocketConsumer", groups=("g1",), events={"note.event": Handler((Send("event"),))}
    )
    actions = (Connects("a"), Connects("b"), Connects("c", 1), Broadcasts("g0", "chat.message"))
    case = Case(Program((asking, listening)), actions)
    runs = [stock.play(case, seed) for seed in range(10)]
    known = determined(runs)
    assert "c: frames" not in known
    assert known["c: frames in any order"] == ["<4>.1", "<4>.1", "<4>.2", "<4>.2", "<closed>"]


def test_stock_channels_does_the_same_twice(company: Companies, stock: Company) -> None:
    """The stage leaves nothing to chance: two processes see the same without any allowance."""
    other = company("stock again")

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def play(case: Case) -> None:
        other.ask(case)
        expected = stock.play(case)
        assert other.answer() == expected
        assert from_json(to_json(case)) == case

    play()
