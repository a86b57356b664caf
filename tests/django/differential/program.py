"""Random stacks of middleware and random views, made from a seed, and requests to them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from differential.cookies import Cookies

MIXIN = ("mixin", "mixin", "mixin", "mixin", "own_acall", "own_call")
OTHERS = (
    *("sync_function", "async_function", "both_function"),
    *("sync_class", "async_class", "both_class"),
)
METHODS = ("request", "response", "view", "exception", "template_response")
RECEIVERS = ("none", "leave", "leave", "async")
CONVERTERS = ("", "", "", "int", "own")
ACTIONS = (
    *("none", "none", "none", "none", "leave", "raise", "return", "urlconf", "http404"),
    *("count", "wrap"),
)
HARMLESS = ("leave", "count", "wrap")
VIEWS = (
    *("sync", "sync", "sync", "async", "async", "class", "template", "template_async"),
    *("raises", "async_raises", "denied", "missing", "nothing", "coroutine", "to_sync"),
    *("to_async", "streams", "async_streams", "file", "bad_template", "suspicious"),
)


STREAMS = ("streams", "async_streams", "file")


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
    """Beginnings of lines."""
    body: list[bytes]
    """The pieces of what is posted; none for GET."""
    cookies: Cookies | None


def generate(seed: int) -> Program:
    """Return the program of a seed."""
    chosen = random.Random(seed)
    middleware = [_middleware(chosen, number) for number in range(chosen.randint(0, 5))]
    if chosen.random() < 0.2:
        middleware.insert(chosen.randint(0, len(middleware)), _sync_only(chosen))
    view = chosen.choice(VIEWS)
    if view in STREAMS and seed % 2:
        for one in middleware:
            one.does.update({method: "wrap" for method in one.does if method == "response"})
    lines = ["view", "render", "async render", "within", "part 0", "part 1", "part 2", "to_python"]
    lines += ["http.response.start", "http.response.body", "body"]
    lines += [f"{m.name} {where}" for m in middleware for where in ("async", "before", "after")]
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
        body=[b"x" * 100] * chosen.randint(1, 3) if chosen.random() < 0.2 else [],
        cookies=Cookies(seed, [one.name for one in middleware]) if seed % 2 else None,
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
        does = {method: what if what in HARMLESS else "none" for method, what in does.items()}
    return Middleware(f"m{number}", kind, does)
