"""The functions that a proved handler may call, and what must stay as it is for that.

Each gives plain values for plain values (see `purity`), the same at every call with the same
arguments, and does nothing else. A function is known by identity, never by name or equality: an
object of another type can claim both. What was replaced before this module was imported is unknown.

A `Fact` says that a namespace has one object under a name; `hold` asks whether it still has.
"""

import builtins
import html
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType

ABSENT = object()
Fact = tuple[Mapping[str, object], str, object]


def hold(facts: Iterable[Fact]) -> bool:
    """Whether every name still stands for the same object."""
    return all(namespace.get(name, ABSENT) is value for namespace, name, value in facts)


@dataclass(frozen=True, eq=False)
class KnownFunction:
    """A function, how it may be called, and what it relies on itself.

    Attributes:
        keywords: keyword arguments that may be given; None: all.
        most: how many positional arguments may be given; None: any number.
        consumes: the first argument may be an iterator; it is used up, and never kept.
        hooks: keywords that may be given certain functions or classes instead of plain values.
        is_iterator: the result is an iterator, for a loop or a function that consumes it.

    """

    function: object
    keywords: frozenset[str] | None = frozenset()
    most: int | None = None
    consumes: bool = False
    is_iterator: bool = False
    hooks: frozenset[str] = frozenset()
    relies_on: tuple[Fact, ...] = ()


def is_standard(module: ModuleType) -> bool:
    """Whether a package is Python's own, not one of the same name that was found before it."""
    own = os.path.join(os.path.dirname(os.__file__), module.__name__, "__init__.py")
    return module.__file__ == own


def is_from(function: object, module: ModuleType) -> bool:
    """Whether a function was written in a module's own file: what replaced one was not."""
    return (
        type(function) is FunctionType
        and function.__globals__ is vars(module)
        and function.__code__.co_filename == module.__file__
    )


def _builtins() -> Iterable[KnownFunction]:
    """Yield those builtins whose result depends on the values of their arguments alone.

    Not hash() and id(), sets (their order can hang on addresses), format() (locale), and all that
    takes functions, attributes or input and output.
    """
    nothing = frozenset[str]()
    default = frozenset({"default"})
    consuming = {
        **dict.fromkeys(["all", "any", "list", "tuple"], nothing),
        **dict.fromkeys(["max", "min"], default),
        "dict": None,
        "sorted": frozenset({"reverse"}),
        "sum": frozenset({"start"}),
    }
    iterators = {"enumerate": {"start"}, "reversed": set(), "zip": {"strict"}}
    plain = ["abs", "bool", "chr", "divmod", "float", "int", "len", "ord", "range", "round"]
    for name, keywords in consuming.items():
        yield KnownFunction(getattr(builtins, name), keywords, consumes=True)
    for name, iterator_keywords in iterators.items():
        function = getattr(builtins, name)
        yield KnownFunction(function, frozenset(iterator_keywords), is_iterator=True)
    for name in plain:
        yield KnownFunction(getattr(builtins, name))
    # With two arguments it looks a codec up, which anyone can register.
    yield KnownFunction(builtins.str, most=1)


def _facts(namespace: Mapping[str, object], *names: str) -> tuple[Fact, ...]:
    """Return how things are now."""
    return tuple((namespace, name, namespace.get(name, ABSENT)) for name in names)


def _json() -> Iterable[KnownFunction]:
    """Yield json's functions, with all they look up that programs are known to replace."""
    if not is_standard(json):
        return
    parts = (
        (json.JSONEncoder, json.encoder, ("__init__", "default", "encode", "iterencode")),
        (json.JSONDecoder, json.decoder, ("__init__", "decode", "raw_decode")),
    )
    methods = [(vars(owner)[name], module) for owner, module, names in parts for name in names]
    functions = [(json.dumps, json), (json.loads, json)]
    if not all(is_from(function, module) for function, module in [*methods, *functions]):
        return
    encoder = vars(json)["_default_encoder"]
    facts = (
        *_facts(vars(json), "dumps", "JSONEncoder", "_default_encoder"),
        *_facts(vars(json), "loads", "JSONDecoder", "_default_decoder"),
        *(fact for owner, _, names in parts for fact in _facts(vars(owner), *names)),
        *_facts(vars(encoder), "default", "encode", "iterencode"),
    )
    choices = {"allow_nan", "check_circular", "ensure_ascii", "indent", "separators"}
    hooks = frozenset({"cls", "default"})
    keywords = frozenset({*choices, *hooks, "skipkeys", "sort_keys"})
    yield KnownFunction(json.dumps, keywords, most=1, hooks=hooks, relies_on=facts)
    yield KnownFunction(json.loads, most=1, relies_on=facts)


def _html() -> Iterable[KnownFunction]:
    """Yield html.escape."""
    if is_standard(html) and is_from(html.escape, html):
        yield KnownFunction(html.escape, frozenset({"quote"}), most=2)


def django_json_encoder() -> tuple[object, tuple[Fact, ...]]:
    """Return Django's JSON encoder, ABSENT when it is not loaded or was changed, and its facts.

    For plain values it does what json.JSONEncoder does.
    """
    module = sys.modules.get("django.core.serializers.json")
    encoder = vars(module).get("DjangoJSONEncoder") if module else None
    if module is None or type(encoder) is not type or encoder.__bases__ != (json.JSONEncoder,):
        return ABSENT, ()
    facts = _facts(vars(encoder), "__init__", "default", "encode", "iterencode")
    default = vars(encoder).get("default")
    inherited = all(value is ABSENT for _, name, value in facts if name != "default")
    return (encoder, facts) if is_from(default, module) and inherited else (ABSENT, ())


_KNOWN = (*_builtins(), *_json(), *_html())


def known(function: object) -> KnownFunction | None:
    """Return what is known of a function, None when nothing is."""
    return next((each for each in _KNOWN if each.function is function), None)
