"""What of a module's live objects is not what its file defines.

A name in the list to be checked stands for
  - a function or method: its kind, code, defaults, closure, and each global name that it reads;
  - a class: its bases, and all functions in it, none added and none removed;
  - an import: that it is still the object of that name in the module it was imported from;
  - a literal: its value.
Of the global names that a function reads, those of functions of the same module are checked in the
same way. Not judged is what a module computes and keeps under such a name, a logger or a registry,
nor what imported functions do: they belong into a list for their own module.
"""

import ast
import builtins
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from casgi.origin.hidden_name import hidden_name
from casgi.origin.module_text import FunctionNode, ModuleText, global_names, source_of
from casgi.origin.stand_in import original_of

_ABSENT = object()
# Set in Python for every class that a `class` statement makes.
_HEAP_TYPE = 1 << 9
_PLAIN = (str, bytes, int, float, complex, bool, type(None), list, tuple, dict, set, frozenset)


class Changed(Exception):
    """A live object is not what its file defines; the message says which and how."""


def change_in(
    module_name: str, names: Iterable[str], wrapped: Mapping[str, object] | None = None
) -> str | None:
    """Return what has changed of some names of a module, as for a log line; None when nothing has.

    Args:
        module_name: is imported if it is not yet. Raises ImportError when it cannot be.
        names: what is looked at, and what they read.
        wrapped: what is looked at in the place of what stands under some dotted names: what the
            caller knows to be within it; None where that may be anything.

    """
    module = importlib.import_module(module_name)
    if type(module) is not ModuleType:
        return f"{module_name} is a {type(module).__qualname__}, not a plain module"
    try:
        text = _text_of(module, source_of(module))
    except (OSError, SyntaxError, ValueError):
        return f"{module_name} has no source that could be read"
    try:
        check = _Check(module, text, wrapped or {})
        for name in names:
            check.name(name)
    except Changed as change:
        return f"{module_name}.{change}"
    return None


def forget_texts() -> None:
    """Free what was read of files; `change_in` reads them anew when it is called again."""
    _text_of.cache_clear()


@functools.lru_cache(maxsize=32)
def _text_of(module: ModuleType, source: str) -> ModuleText:
    return ModuleText(module, source)


class _Check:
    """The comparison of one module with its text. Each method returns, or raises Changed."""

    def __init__(self, module: ModuleType, text: ModuleText, wrapped: Mapping[str, object]) -> None:
        self._wrapped = wrapped
        self._module = module
        self._namespace: dict[str, Any] = vars(module)
        self._text = text
        self._begun: set[str] = set()

    def name(self, name: str) -> None:
        """Compare what a dotted name stands for with all that the file says of it."""
        if name in self._begun:
            return
        self._begun.add(name)
        statements = self._text.bindings.get(name)
        if statements is None:
            raise Changed(f"{name} is not in its file")
        owner_name, _, attribute = name.rpartition(".")
        owner = self._class(owner_name) if owner_name else None
        namespace = vars(owner) if owner else self._namespace
        live = original_of(namespace.get(_mangled(attribute, owner), _ABSENT))
        if live is _ABSENT:
            raise Changed(f"{name} was removed")
        live = self._wrapped.get(name, live)
        if live is None and name in self._wrapped:
            return
        if type(live) is property:
            # One object of several functions, each with a statement of its own.
            for node in statements:
                self._binding(name, node, live, owner)
            return
        self._any_of(name, statements, live, owner)

    def _any_of(
        self, name: str, statements: list[ast.stmt], live: object, owner: type | None
    ) -> None:
        for number, node in enumerate(reversed(statements), 1):
            try:
                self._binding(name, node, live, owner)
            except Changed:
                if number == len(statements):
                    raise
            else:
                return

    def _binding(self, name: str, node: ast.stmt, live: object, owner: type | None) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(name, node, live, owner)
            case ast.ClassDef():
                self._class(name)
                self._functions_of(name, node)
            case ast.Import() | ast.ImportFrom():
                if live is not _imported(self._module, node, name):
                    raise Changed(f"{name} was replaced{_place(live)}")
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                self._value(name, value, live, owner)
            case _:
                raise Changed(f"{name} is bound in a way that is not read")

    def _value(self, name: str, node: ast.expr, live: object, owner: type | None) -> None:
        if _is_computed(node):
            raise Changed(f"{name} is computed, and cannot be known from its file")
        if not self._is_value_of(node, live, owner):
            raise Changed(f"{name} was changed{_place(live)}")

    # Functions

    def _function(self, name: str, node: FunctionNode, raw: object, owner: type | None) -> None:
        function = self._undecorated(name, node, raw)
        if type(function) is not FunctionType:
            raise Changed(f"{name} was replaced{_place(function)}")
        code = self._text.code_of(name, node)
        is_here = function.__globals__ is self._namespace
        if code is None or not is_here or function.__code__ != code:
            raise Changed(f"{name} was replaced{_place(function)}")
        if not _has_own_closure(function, owner):
            raise Changed(f"{name} has another closure")
        self._defaults(name, node, function, owner)
        for read in sorted(global_names(code)):
            self._global(name, read)

    def _undecorated(self, name: str, node: FunctionNode, raw: object) -> object:
        """Return the function in what a namespace has, when it is decorated as in its file."""
        decorators = [ast.unparse(each) for each in node.decorator_list]
        match decorators:
            case []:
                return raw
            case ["staticmethod" | "classmethod"] if type(raw).__name__ == decorators[0]:
                return getattr(raw, "__func__", None)
            case ["property"] if type(raw) is property:
                return raw.fget
            case [text] if type(raw) is property and text == f"{node.name}.setter":
                return raw.fset
            case [_] if type(raw) is self._object_of(node.decorator_list[0]):
                # A class of descriptors or callables: cached_property, asgiref's SyncToAsync.
                hidden = hidden_name(raw)
                if hidden is not None:
                    raise Changed(f"{name} has a {hidden} of its own{_place(vars(raw)[hidden])}")
                return vars(raw).get("func")
        raise Changed(f"{name} was replaced{_place(raw)}")

    def _defaults(
        self, name: str, node: FunctionNode, function: FunctionType, owner: type | None
    ) -> None:
        live = function.__defaults__ or ()
        by_keyword = function.__kwdefaults__ or {}
        pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        named = {argument.arg: value for argument, value in pairs if value is not None}
        if len(live) != len(node.args.defaults) or by_keyword.keys() != named.keys():
            raise Changed(f"{name} has other defaults")
        expected = [*node.args.defaults, *named.values()]
        for value, expression in zip(
            [*live, *(by_keyword[each] for each in named)], expected, strict=True
        ):
            if not self._is_value_of(expression, value, owner):
                raise Changed(f"{name} has other defaults")

    def _is_value_of(self, expression: ast.expr, value: object, owner: type | None) -> bool:
        """Whether a default is what its expression gives: a literal, or what a name stands for."""
        try:
            return _is_equal(value, ast.literal_eval(expression))
        except ValueError:
            named = self._object_of(expression, owner)
        if isinstance(value, BuiltinFunctionType) and type(value) is type(named):
            # A method of an object of C, which is made anew at each lookup.
            return value.__self__ is named.__self__ and value.__name__ == named.__name__
        return value is named

    def _global(self, function: str, name: str) -> None:
        """Compare a global name that a function reads."""
        statements = self._text.bindings.get(name)
        if statements is None:
            is_shadowed = name in self._namespace and name[:2] != "__"
            if is_shadowed or not _is_own_builtin(name):
                raise Changed(f"{function} reads {name}, which was replaced")
            return
        if isinstance(statements[-1], ast.ClassDef):
            self._class(name)
        elif not any(_is_computed(getattr(node, "value", None)) for node in statements):
            self.name(name)

    # Classes

    def _class(self, name: str) -> type:
        """Return a class of the module, whose bases and metaclass are what its file says."""
        namespace: Mapping[str, Any] = self._namespace
        for part in name.split("."):
            owner = namespace.get(part)
            if not isinstance(owner, type):
                raise Changed(f"{name} was replaced{_place(owner)}")
            namespace = vars(owner)
        assert isinstance(owner, type)
        if owner.__module__ != self._module.__name__ or owner.__qualname__ != name:
            raise Changed(f"{name} was replaced by {owner.__module__}.{owner.__qualname__}")
        node = self._text.bindings[name][-1]
        if isinstance(node, ast.ClassDef):
            self._bases(name, node, owner)
        return owner

    def _bases(self, name: str, node: ast.ClassDef, owner: type) -> None:
        if not node.keywords and type(owner) not in {type, *map(type, owner.__bases__)}:
            raise Changed(f"{name} has the metaclass {type(owner).__qualname__}")
        named = [each for each in node.bases if not isinstance(each, ast.Subscript)]
        if len(named) < len(node.bases):  # Generic[...] and the like add bases
            return
        if owner.__bases__ != (tuple(map(self._object_of, named)) or (object,)):
            raise Changed(f"{name} has other bases")

    def _object_of(self, node: ast.expr, owner: type | None = None) -> Any:
        """Return what a name or a dotted name stands for now, in a class of the module or in it."""
        match node:
            case ast.Name(id=name):
                in_class = vars(owner).get(_mangled(name, owner), _ABSENT) if owner else _ABSENT
                if in_class is not _ABSENT:
                    return in_class
                return self._namespace.get(name, vars(builtins).get(name, _ABSENT))
            case ast.Attribute(value=value, attr=name):
                return getattr(self._object_of(value, owner), name, _ABSENT)
        return _ABSENT

    def _functions_of(self, name: str, node: ast.ClassDef) -> None:
        members = self._text.members(name)
        for member, statements in members.items():
            if isinstance(statements[-1], ast.FunctionDef | ast.AsyncFunctionDef):
                self.name(f"{name}.{member}")
        owner = self._class(name)
        own = {_mangled(member, owner) for member in members}
        for attribute, value in vars(owner).items():
            is_given = attribute in _given_attributes() or isinstance(value, _PLAIN)
            if attribute not in own and not is_given and not node.decorator_list:
                raise Changed(f"{name}.{attribute} was added{_place(value)}")


def _has_own_closure(function: FunctionType, owner: type | None) -> bool:
    """Whether a function has no closure but the class that `super()` needs."""
    cells = function.__closure__ or ()
    if not cells:
        return True
    is_method = function.__code__.co_freevars == ("__class__",)
    return is_method and cells[0].cell_contents is owner


def _imported(module: ModuleType, node: ast.Import | ast.ImportFrom, name: str) -> object:
    """Return what an import statement would bind to a name now."""
    for alias in node.names:
        if (alias.asname or alias.name.partition(".")[0]) != name:
            continue
        if isinstance(node, ast.Import):
            return sys.modules.get(alias.name if alias.asname else name, _ABSENT)
        relative = "." * node.level + (node.module or "")
        source = importlib.util.resolve_name(relative, module.__package__)
        submodule = sys.modules.get(f"{source}.{alias.name}", _ABSENT)
        return getattr(sys.modules.get(source), alias.name, submodule)
    return _ABSENT


def _is_own_builtin(name: str) -> bool:
    """Whether a builtin is Python's own: nothing that is written in Python is."""
    value = vars(builtins).get(name, _ABSENT)
    if value is NotImplemented or value is Ellipsis:
        return name == str(value)
    if isinstance(value, type):
        return type(value) is type and not value.__flags__ & _HEAP_TYPE and value.__name__ == name
    is_function = isinstance(value, BuiltinFunctionType) and value.__self__ is builtins
    return name[:2] == "__" or (is_function and value.__name__ == name)


def _is_equal(one: object, other: object) -> bool:
    """Whether two plain values are equal and of the same types, items included."""
    if type(one) is not type(other) or type(one) not in _PLAIN:
        return False
    if isinstance(one, dict | list | tuple | set | frozenset) and isinstance(other, type(one)):
        items = [list(each.items() if isinstance(each, dict) else each) for each in (one, other)]
        return len(items[0]) == len(items[1]) and all(map(_is_equal, *items))
    return one == other


def _is_computed(node: ast.expr | None) -> bool:
    """Whether only running it would tell what an expression gives."""
    try:
        return node is not None and ast.literal_eval(node) is _ABSENT
    except ValueError:
        return not isinstance(node, ast.Name | ast.Attribute)


def _mangled(attribute: str, owner: type | None) -> str:
    """Return the name that a class's namespace has for what its body calls so."""
    is_private = attribute[:2] == "__" and attribute[-2:] != "__"
    return f"_{owner.__name__.lstrip('_')}{attribute}" if owner and is_private else attribute


def _given_attributes() -> frozenset[str]:
    """Return what a class has that nobody has written into it, on this Python."""

    class Given:
        """As every class."""

        attribute: int

    names = {*vars(Given), "__orig_bases__", "__parameters__", "__abstractmethods__", "_abc_impl"}
    return frozenset(names)


def _place(value: object) -> str:
    """Return where a replacement was written, in brackets, as far as it can be told."""
    function = getattr(value, "__func__", value)
    code = function.__code__ if type(function) is FunctionType else None
    return f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
