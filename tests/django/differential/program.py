"""Random stacks of middleware and random views, made from a seed, and requests to them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

MIXIN = ("mixin", "mixin", "mixin", "mixin", "own_acall", "own_call")
OTHERS = ("sync_function", "async_function", "both_function", "sync_class", "async_class")
METHODS = ("request", "response", "view", "exception", "template_response")
RECEIVERS = ("none", "leave", "leave", "async")
CONVERTERS = ("", "", "", "int", "own")
ACTIONS = ("none", "none", "none", "none", "leave", "raise", "return", "urlconf", "http404")
VIEWS = (
    *("sync", "sync", "sync", "async", "async", "class", "template", "template_async"),
    *("raises", "async_raises", "denied", "missing", "nothing", "coroutine", "to_sync"),
    *("to_async", "streams", "async_streams", "file", "bad_template", "suspicious"),
)


@dataclass
class Middleware:
    """One middleware: its kind, its methods, and what each of them does."""

    name: str
    kind: str
    does: dict[str, str] = field(default_factory=dict)


@dataclass
class Program:
    """A site, and at which lines clients leave: None for one that stays."""

    seed: int
    middleware: list[Middleware]
    view: str
    atomic: bool
    debug: bool
    receivers: list[str]
    """What those of request_started do."""
    converter: str
    """Whose converter is in the path of the URL."""
    query: bytes
    leaves_at: list[str | None]


def generate(seed: int) -> Program:
    """Return the program of a seed."""
    chosen = random.Random(seed)
    middleware = [_middleware(chosen, number) for number in range(chosen.randint(0, 5))]
    if chosen.random() < 0.2:
        middleware.insert(chosen.randint(0, len(middleware)), _sync_only(chosen))
    view = chosen.choice(VIEWS)
    lines = ["view", "render", "within", "part 1", "m0 async", "m0 before", "m0 after"]
    lines += [f"{m.name} {method}" for m in middleware for method in m.does] * 2
    leaves_at: list[str | None] = [None, None, None]
    if chosen.random() < 0.5:
        leaves_at[1:2] = [chosen.choice(lines), chosen.choice(lines)]
    return Program(
        seed,
        middleware,
        view,
        atomic=False,
        debug=chosen.random() < 0.1,
        receivers=chosen.choices(RECEIVERS, k=chosen.randint(0, 2))
        if chosen.random() < 0.9
        else ["raise"],
        converter=chosen.choice(CONVERTERS),
        query=b"" if chosen.random() < 0.95 else b"\xff",
        leaves_at=leaves_at,
    )


def _sync_only(chosen: random.Random) -> Middleware:
    """Return one that makes all that stands before it sync, too."""
    does = {"request": chosen.choice(ACTIONS[:5]), "response": chosen.choice(ACTIONS[:5])}
    return Middleware("sync", chosen.choice(("sync_function", "sync_class")), does)


def _middleware(chosen: random.Random, number: int) -> Middleware:
    kind = chosen.choice(MIXIN if chosen.random() < 0.75 else OTHERS)
    count = chosen.randint(1, 4)
    methods = chosen.sample(METHODS, count)
    if kind in OTHERS and not {"request", "response"} & set(methods):
        methods.append("request")
    does = {method: chosen.choice(ACTIONS) for method in METHODS if method in methods}
    if chosen.random() < 0.6:  # Most requests reach the view.
        does = {method: "leave" if what == "leave" else "none" for method, what in does.items()}
    return Middleware(f"m{number}", kind, does)
