"""How cases are drawn. Small alphabets, so that clients, groups and handlers meet."""

from __future__ import annotations

import dataclasses
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from equivalence.phrases import (
    ASYNC_BASES,
    CHECKS,
    CONDITIONS,
    FAILURES,
    MIDDLEWARE,
    OVERRIDES,
    PURE_TEXTS,
    SENDS,
    STYLES,
    SYNC_BASES,
    TEXTS,
)
from equivalence.program import (
    Accept,
    Action,
    Adds,
    AtOnce,
    Broadcasts,
    Case,
    Change,
    Check,
    Close,
    Connects,
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
    Leaves,
    Opens,
    Part,
    Program,
    Remove,
    Removes,
    Says,
    SaysBytes,
    Send,
    Shadow,
    Step,
    Steps,
    Tell,
    Tells,
    Turn,
    Twice,
    Vanishes,
    When,
)

CLIENTS = ("a", "b", "c", "d")
GROUPS = ("g0", "g1")
TYPES = ("chat.message", "note.event")
COMMANDS = ("x", "y")
PER_CONSUMER = {"dispatch", "send", "same send", "getattribute", "slots"}
"""With one of these overrides no handler of a consumer is shared."""

SHAREABLE_STYLES = ("plain", "plain", "docstring", "options", "returning")

clients = st.sampled_from(CLIENTS)
groups = st.sampled_from(GROUPS)
types = st.sampled_from(TYPES)
numbers = st.integers(0, 3)
tells = st.builds(Tell, types)
group_sends = st.builds(GroupSend, groups, types)

sends = st.builds(Send, st.sampled_from(list(TEXTS)), st.sampled_from(list(SENDS)))
SAFE_TEXTS = list(PURE_TEXTS)[:17]
pure_sends = st.builds(
    Send,
    st.sampled_from([*SAFE_TEXTS * 5, *PURE_TEXTS]),
    st.sampled_from([*["text", "positional", "bytes", "json", "own json"] * 4, "closing"]),
)
simple_sends = st.builds(
    Send, st.sampled_from(["event", "both", "count", "constant"]), st.sampled_from(["text", "json"])
)


def weighted(*choices: tuple[int, SearchStrategy[Step]]) -> SearchStrategy[Step]:
    return st.sampled_from([each for weight, each in choices for _ in range(weight)]).flatmap(
        lambda chosen: chosen
    )


def own_steps() -> SearchStrategy[Step]:
    """Return steps whose effect is on their consumer and its client only."""
    return weighted(
        (6, sends),
        (6, simple_sends),
        (2, st.just(Gate())),
        (1, st.just(Turn())),
        (1, st.builds(Close, st.sampled_from([None, 1000, 4001]), st.sampled_from([None, "why"]))),
        (1, st.builds(Fail, st.sampled_from(list(FAILURES)))),
        (2, st.builds(Join, groups)),
        (2, st.builds(Part, groups)),
        (1, st.builds(Journal)),
        (2, st.just(Count())),
        (1, st.just(Change())),
        (1, st.builds(Later, st.sampled_from(["later", ""]))),
        (1, tells),
        (1, st.builds(Shadow, st.sampled_from(["send", *TYPES]))),
        (1, st.just(Leave())),
    )


def nested(steps: SearchStrategy[Step]) -> SearchStrategy[Steps]:
    """Return handfuls of steps, some of them inside others."""
    few = st.lists(steps, min_size=1, max_size=2).map(tuple)
    deeper = st.one_of(
        steps,
        steps,
        steps,
        steps,
        st.builds(When, st.sampled_from(list(CONDITIONS)), few),
        st.builds(Twice, few),
        st.builds(Guarded, few),
    )
    return st.lists(deeper, min_size=1, max_size=4).map(tuple)


pure_steps = st.lists(
    st.one_of(
        *[pure_sends] * 4,
        st.just(Change()),
        st.just(Remove()),
        st.builds(Check, st.sampled_from(list(CHECKS))),
        st.builds(lambda send: Guarded((send,)), pure_sends),
        st.builds(
            lambda condition, steps: When(condition, tuple(steps)),
            st.sampled_from(["odd", "labelled", "not me", "me"]),
            st.lists(st.one_of(pure_sends, st.just(Leave())), min_size=1, max_size=2),
        ),
        st.builds(lambda send: Twice((send,)), pure_sends),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
any_steps = nested(st.one_of(own_steps(), own_steps(), group_sends))
command_steps = nested(st.one_of(group_sends, own_steps()))
styles = st.sampled_from(["plain"] * 5 + list(STYLES))

pure_handlers = st.builds(Handler, pure_steps, st.sampled_from(SHAREABLE_STYLES))
# Shareable but for one thing, most of the time.
almost_pure_handlers = st.one_of(
    st.builds(Handler, pure_steps, st.sampled_from(STYLES)),
    st.builds(
        lambda before, step, after: Handler((*before, step, *after)),
        pure_steps,
        own_steps(),
        pure_steps,
    ),
)
event_handlers = st.one_of(
    pure_handlers,
    almost_pure_handlers,
    st.builds(Handler, nested(own_steps()), styles),
    st.builds(Handler, any_steps, styles),
)
command_handlers = st.builds(Handler, command_steps)

# Steps that do not end the connection before it has been seen to do something.
gentle_steps = weighted(
    (4, simple_sends),
    (2, sends),
    (2, st.just(Gate())),
    (1, st.builds(Join, groups)),
    (1, tells),
    (1, st.builds(Later, st.sampled_from(["later", ""]))),
    (1, st.builds(Shadow, st.sampled_from(["send", *TYPES]))),
)
accepting: SearchStrategy[Steps] = st.just((Accept(),))
connecting = st.sampled_from(
    [
        *[accepting] * 8,
        *[st.builds(lambda group: (Join(group), Accept()), groups)] * 2,
        *[st.builds(lambda steps: (Accept(), *steps), nested(gentle_steps))] * 2,
        *[st.builds(lambda step: (Accept(), step), gentle_steps)] * 2,
        st.builds(lambda group, step: (Join(group), step, Accept()), groups, own_steps()),
        nested(own_steps()),
    ]
).flatmap(lambda chosen: chosen)
disconnecting = st.one_of(
    st.just(()),
    st.builds(lambda group: (Part(group),), groups),
    st.builds(lambda send: (send,), group_sends),
    any_steps,
)


@st.composite
def consumers(draw: st.DrawFn, base: str, extends: bool) -> Consumer:
    is_shareable = draw(st.sampled_from([True, True, False]))
    handlers = pure_handlers if is_shareable else event_handlers
    overrides = [()] if is_shareable else [(), *((name,) for name in OVERRIDES)]
    return Consumer(
        base=base,
        connect=draw(st.one_of(accepting, connecting) if is_shareable else connecting),
        disconnect=draw(disconnecting),
        commands={name: draw(command_handlers) for name in COMMANDS},
        events={
            name: draw(handlers)
            for name in TYPES
            # What is left out is inherited, or missing.
            if draw(st.integers(0, 29)) >= (15 if extends else 1)
        },
        groups=draw(st.sampled_from([*[("g0",)] * 4, ("g0", "g1"), ()])),
        overrides=draw(st.sampled_from(overrides)),
        extends=extends,
    )


def without(part: Any, kinds: tuple[type, ...]) -> Any:
    """Return a program, or a part of it, without some kinds of steps."""
    if isinstance(part, tuple):
        return tuple(without(each, kinds) for each in part if not isinstance(each, kinds))
    if isinstance(part, dict):
        return {name: without(each, kinds) for name, each in part.items()}
    if not dataclasses.is_dataclass(part):
        return part
    return type(part)(
        **{each.name: without(getattr(part, each.name), kinds) for each in fields(part)}
    )


@st.composite
def programs(draw: st.DrawFn) -> Program:
    found: list[Consumer] = []
    for number in range(draw(st.sampled_from([1, 1, 1, 2]))):
        extends = number > 0 and draw(st.booleans())
        bases = (*ASYNC_BASES, *ASYNC_BASES, *SYNC_BASES)
        base = found[-1].base if extends else draw(st.sampled_from(bases))
        found.append(draw(consumers(base, extends)))
    named = [name for name in MIDDLEWARE if name != "threads"]
    middleware = draw(
        st.one_of(st.just([]), st.just([]), st.lists(st.sampled_from(named), max_size=2))
    )
    if any(consumer.base in SYNC_BASES for consumer in found):
        if draw(st.booleans()):
            middleware = [*middleware, "threads"]
        else:
            # A gate would stop the thread that all consumers share, and in stock Channels all
            # async ones with it.
            found = [without(consumer, (Gate,)) for consumer in found]
    # What is shared never fills a channel, so that less is lost than under stock Channels.
    can_fill = all(set(consumer.overrides) & PER_CONSUMER for consumer in found)
    capacity = draw(st.sampled_from([2, 1000])) if can_fill else 1000
    return Program(tuple(found), tuple(middleware), capacity)


commands = st.sampled_from(COMMANDS)
single_actions: SearchStrategy[Action] = st.one_of(
    *[st.builds(Broadcasts, st.just("g0"), types, numbers)] * 6,
    st.builds(Broadcasts, groups, types, numbers),
    *[st.builds(Says, clients, commands, numbers)] * 3,
    *[st.builds(Opens, clients)] * 2,
    st.builds(Opens, clients, st.just("later")),
    st.builds(Tells, clients, types, numbers),
    st.builds(SaysBytes, clients, commands, numbers),
    st.builds(Connects, clients, st.integers(0, 1)),
    st.builds(Adds, clients, groups),
    st.builds(Removes, clients, groups),
    st.builds(Leaves, clients, st.sampled_from([1000, 4000])),
    st.builds(Vanishes, clients),
)
actions = st.one_of(
    *[single_actions] * 4,
    st.builds(AtOnce, st.lists(single_actions, min_size=2, max_size=4).map(tuple)),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    program = draw(programs())
    last = len(program.consumers) - 1
    opening = [Connects(name, draw(st.integers(0, last))) for name in CLIENTS]
    opening = opening[: draw(st.sampled_from([1, 2, 2, 3, 3, 4]))]
    return Case(program, (*opening, *draw(st.lists(actions, min_size=2, max_size=10))))
