"""What counts as changed, in each way in which programs change the functions of others."""

import builtins
import functools
import inspect
import operator
import sys
import types
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import wrapt

from casgi.origin import Watch, change_in, fingerprint, places_read_by

FUNCTIONS = ["plain", "waiting", "helper", "either"]
METHODS = ["send", "make", "name", "size", "slow", "__init__", "__private"]
ALL = [*FUNCTIONS, "Layer", "Base", "LIMIT", "TYPES", "imported"]


def other(*args: Any, **kwargs: Any) -> str:
    return "other"


async def async_other(*args: Any, **kwargs: Any) -> str:
    return "other"


def wrapped(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@wrapt.decorator
def traced(function: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


REPLACEMENTS: dict[str, Callable[[Any], Any]] = {
    "another function": lambda raw: other,
    "functools.wraps": wrapped,
    "wrapt": traced,
    "functools.partial": lambda raw: functools.partial(other, raw),
    "a mock": lambda raw: mock.Mock(),
    "nothing": lambda raw: None,
    "a static method": lambda raw: staticmethod(other),
    "a property": lambda raw: property(other),
    "its code in another module": lambda raw: elsewhere(raw),
}


def elsewhere(raw: Any) -> Any:
    function = getattr(raw, "__func__", getattr(raw, "fget", getattr(raw, "func", raw)))
    return types.FunctionType(function.__code__, globals(), closure=function.__closure__)


def replaced_code(function: Any) -> None:
    code = function.__code__
    is_async = bool(code.co_flags & inspect.CO_COROUTINE)
    instead = async_other.__code__ if is_async else other.__code__
    function.__code__ = instead.replace(co_freevars=code.co_freevars)


def replaced_defaults(function: Any) -> None:
    function.__defaults__ = ("?",)


def equal_defaults_of_another_type(function: Any) -> None:
    function.__defaults__ = tuple(map(float, function.__defaults__))


def replaced_keyword_defaults(function: Any) -> None:
    function.__kwdefaults__ = {"repeat": 3, "scale": 3}


def changed_keyword_defaults(function: Any) -> None:
    function.__kwdefaults__.update(dict.fromkeys(function.__kwdefaults__, 4))


CHANGES = [
    *[(name, replaced_code) for name in [*FUNCTIONS, "Layer.send", "Base.send"]],
    *[(name, replaced_defaults) for name in [*FUNCTIONS, "Layer.__init__", "Base.send"]],
    *[(name, replaced_keyword_defaults) for name in [*FUNCTIONS, "Layer.__init__"]],
    *[(name, changed_keyword_defaults) for name in ["plain", "helper"]],
    ("helper", equal_defaults_of_another_type),
]


def change(library: types.ModuleType, *names: str) -> str:
    """Return what has changed, without the module's name."""
    return str(change_in(library.__name__, names or ALL)).removeprefix(f"{library.__name__}.")


def place(library: Any, name: str) -> tuple[Any, str]:
    owner, _, attribute = name.rpartition(".")
    return (getattr(library, owner) if owner else library), attribute


def test_what_is_as_its_file_says(library: types.ModuleType) -> None:
    assert change(library) == "None"
    assert change(library, *(f"Layer.{name}" for name in METHODS)) == "None"
    assert len(fingerprint(library.__name__)) == 64


def test_function_that_runs_traced(library: Any) -> None:
    """What tracers, coverage and the interpreter itself put into code is no change."""
    sys.settrace(lambda *_: lambda *_: None)
    try:
        for _ in range(100):
            library.plain("x")
        assert change(library) == "None"
    finally:
        sys.settrace(None)
    assert change(library) == "None"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is of Python 3.12")
def test_function_that_is_monitored(library: Any) -> None:
    monitoring: Any = sys.monitoring
    events, calls = monitoring.events, []
    monitoring.use_tool_id(4, "test")
    try:
        monitoring.register_callback(4, events.LINE, lambda *_: calls.append(1))
        monitoring.set_local_events(4, library.plain.__code__, events.LINE | events.INSTRUCTION)
        monitoring.set_events(4, events.PY_START | events.CALL | events.PY_RETURN)
        library.plain("x")
        assert calls and change(library) == "None"
    finally:
        monitoring.set_events(4, 0)
        monitoring.free_tool_id(4)


@pytest.mark.parametrize("way", REPLACEMENTS)
@pytest.mark.parametrize("name", [*FUNCTIONS, *(f"Layer.{name}" for name in METHODS)])
def test_what_is_replaced(library: Any, name: str, way: str) -> None:
    owner, attribute = place(library, name)
    attribute = "_Layer__private" if attribute == "__private" else attribute
    watch = Watch([(owner, attribute)])
    assert watch.change() is None
    setattr(owner, attribute, REPLACEMENTS[way](vars(owner)[attribute]))
    assert change(library).startswith(f"{name} was replaced")
    assert str(watch.change()).endswith(f".{attribute} was replaced")


def test_replacement_is_told_with_its_place(library: Any) -> None:
    library.plain = other
    assert change(library) == f"plain was replaced ({__file__}:{other.__code__.co_firstlineno})"


@pytest.mark.parametrize(("name", "assign"), CHANGES)
def test_function_that_is_changed(library: Any, name: str, assign: Any) -> None:
    watch = Watch([place(library, name)])
    function = operator.attrgetter(name)(library)
    had_none = not (
        function.__kwdefaults__ if "keyword" in assign.__name__ else function.__defaults__
    )
    assign(function)
    assert change(library, name).startswith(f"{name} ")
    # Who has called it without needing defaults does not need them now.
    assert watch.holds() is (had_none and assign is not replaced_code)


@pytest.mark.parametrize("name", ["asyncio", "helper", "LIMIT", "imported"])
def test_global_that_a_function_reads(library: Any, name: str) -> None:
    setattr(library, name, other)
    assert change(library, "plain", "waiting") != "None"


@pytest.mark.parametrize("name", ["len", "range"])
@pytest.mark.parametrize("where", ["in the builtins", "in the module"])
def test_builtin_that_is_replaced(library: Any, name: str, where: str) -> None:
    plain = getattr(builtins, name)
    with mock.patch.object(
        builtins if where == "in the builtins" else library, name, wrapped(plain), create=True
    ):
        reason = change_in(library.__name__, ["plain", "waiting"])
    assert reason is not None and reason.endswith(f"reads {name}, which was replaced")


@pytest.mark.parametrize("name", ["__get__", "func"])
def test_object_in_a_class_with_a_method_of_its_own(library: Any, name: str) -> None:
    descriptor = vars(library.Layer)["slow"]
    watch = Watch([(library.Layer, "slow")])
    vars(descriptor)[name] = other
    told = "has a __get__ of its own" if name == "__get__" else "was replaced"
    assert change(library).startswith(f"Layer.slow {told}")
    assert not watch.holds()


def test_lazy_object_is_not_run(library: Any) -> None:
    """As Django's settings, which a project may not have."""

    def fail(*_: object) -> None:
        raise AssertionError

    library.REGISTRY = type("Lazy", (), {"__class__": property(fail), "__getattribute__": fail})()
    watch = Watch(places_read_by((library, "waiting")))
    assert watch.holds()
    library.REGISTRY = object()
    assert watch.change() == f"{library.__name__}.REGISTRY was replaced"


def test_method_that_is_added_or_removed(library: Any) -> None:
    library.Layer.label = "plain data is no function"
    assert change(library) == "None"
    library.Layer.__getattribute__ = lambda self, name: object.__getattribute__(self, name)
    assert change(library).startswith("Layer.__getattribute__ was added")
    del library.Layer.__getattribute__
    watch = Watch([(library.Layer, "make"), (library.Layer, "absent")])
    del library.Layer.make
    assert change(library) == "Layer.make was removed"
    assert not watch.holds()


def test_name_that_comes_is_a_change(library: Any) -> None:
    watch = Watch([(library.Layer, "__getattr__")])
    library.Layer.__getattr__ = other
    assert not watch.holds()


@pytest.mark.parametrize("bases", [(), (dict,)])
def test_class_that_is_replaced(library: Any, bases: tuple[type, ...]) -> None:
    library.Layer = type("Layer", (library.Layer, *bases), {})
    assert change(library) == f"Layer was replaced by {__name__}.Layer"


def test_bases_that_are_assigned(library: Any) -> None:
    library.Layer.__bases__ = (type("Between", (library.Base,), {}),)
    assert change(library) == "Layer has other bases"


def test_base_that_is_replaced_by_name(library: Any) -> None:
    library.Base = type("Base", (library.Base,), {"__module__": library.__name__})
    assert change(library, "Layer") == "Layer has other bases"


def test_cell_of_super(library: Any) -> None:
    library.Layer.send.__closure__[0].cell_contents = library.Base
    assert change(library, "Layer") == "Layer.send has another closure"


@pytest.mark.parametrize("value", [4, 3.0, True, None, "3"])
def test_literal_that_is_changed(library: Any, value: object) -> None:
    library.LIMIT = value
    assert change(library, "LIMIT") == "LIMIT was changed"


def test_list_that_is_changed(library: Any) -> None:
    library.Layer.save_types.append("websocket.send")
    assert change(library, "Layer.save_types") == "Layer.save_types was changed"


def test_value_that_is_computed_cannot_be_known(library: Any) -> None:
    assert "cannot be known" in change(library, "REGISTRY")


def test_module_whose_class_is_changed(library: Any) -> None:
    library.__class__ = type("Lazy", (types.ModuleType,), {})
    assert change(library) == f"{library.__name__} is a Lazy, not a plain module"


def test_file_that_is_changed_after_its_import(library: Any) -> None:
    with open(library.__file__, "a") as file:
        file.write("\ndef plain(text):\n    return text\n")
    assert change(library).startswith("plain was replaced")


def test_module_without_its_source(library: Any) -> None:
    library.__file__, library.__loader__, library.__spec__ = "/nowhere.py", None, None
    assert change(library) == f"{library.__name__} has no source that could be read"
    assert fingerprint(library.__name__) == ""
    assert "has no source" in str(change_in("_json", ["scanner"]))


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("asgiref.sync", ["SyncToAsync", "sync_to_async", "AsyncToSync", "ThreadSensitiveContext"]),
        ("django.core.handlers.asgi", ["ASGIHandler", "ASGIRequest"]),
        ("django.core.handlers.base", ["BaseHandler"]),
        ("django.utils.deprecation", ["MiddlewareMixin"]),
        ("json", ["dumps", "loads"]),
        ("json.encoder", ["JSONEncoder"]),
        ("json.decoder", ["JSONDecoder"]),
        ("html", ["escape"]),
    ],
)
def test_real_modules_are_as_their_files_say(module: str, names: list[str]) -> None:
    assert change_in(module, names) is None
