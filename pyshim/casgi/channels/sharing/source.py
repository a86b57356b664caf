"""The syntax tree of a function that is running, and the certainty that it is that function's.

A file can change after its import, be edited by an import hook, or belong to another function of
the same name. So the tree that is returned has been compiled, and the result is the function's own
code: `==` of code objects compares instructions, names, flags, and constants with their types,
nested code included. A text that is not the function's can therefore never be what is proved.
"""

import ast
import functools
import inspect
import linecache
from collections import defaultdict
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType

from casgi.channels.sharing.rejection import Rejected
from casgi.origin.module_text import nested_code
from casgi.origin.tree import code_of_tree, tree_of

GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
Definition = ast.FunctionDef | ast.AsyncFunctionDef
Place = tuple[str, int]
NOT_COMPILED = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass
class Module:
    """The text of a module, compiled.

    Attributes:
        definitions, codes: its functions, by name and first line.
        rebound: names that a function declares `global`: it may assign them at any time.

    """

    codes: dict[Place, list[CodeType]]
    definitions: dict[Place, list[Definition]] = field(default_factory=lambda: defaultdict(list))
    rebound: set[str] = field(default_factory=set)


VARIADIC = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def check_parameters(function: FunctionType) -> None:
    """Raise Rejected unless a function takes its consumer and the event, and nothing else."""
    code = function.__code__
    if code.co_argcount != 2 or code.co_kwonlyargcount or code.co_flags & VARIADIC:
        raise Rejected("does not take self and the event, and nothing else")
    if code.co_flags & GENERATOR:
        raise Rejected("is a generator")


def definition_of(function: FunctionType) -> Definition:
    """Return the definition that the function was compiled from, or raise Rejected."""
    code = function.__code__
    module = _module_of(function)
    place = (code.co_name, code.co_firstlineno)
    definitions, codes = module.definitions.get(place, []), module.codes.get(place, [])
    if len(definitions) != 1 or len(codes) != 1 or codes[0] != code:
        raise Rejected("is not what its source file says now")
    return definitions[0]


def rebound_in(function: FunctionType) -> set[str]:
    """Return the globals that functions of its module assign."""
    return _module_of(function).rebound


def rebound_by(module: ModuleType) -> frozenset[str]:
    """Return the globals that functions of another module assign; none if it has no source."""
    path = vars(module).get("__file__")
    if type(path) is not str:
        return frozenset()
    try:
        return _assigned("".join(linecache.getlines(path, vars(module))))
    except NOT_COMPILED:
        return frozenset()


@functools.lru_cache(maxsize=64)
def _assigned(text: str) -> frozenset[str]:
    nodes = (node for node in ast.walk(tree_of(text)) if isinstance(node, ast.Global))
    return frozenset(name for node in nodes for name in node.names)


def is_as_written(function: FunctionType) -> bool:
    """Whether a function is what its source file says: as definition_of(), without a tree."""
    code = function.__code__
    place = (code.co_name, code.co_firstlineno)
    try:
        found = _codes(_text_of(function), code.co_filename).get(place, ())
    except NOT_COMPILED:
        return False
    return len(found) == 1 and found[0] == code


def _text_of(function: FunctionType) -> str:
    path = function.__code__.co_filename
    linecache.checkcache(path)
    return "".join(linecache.getlines(path, function.__globals__))


def _module_of(function: FunctionType) -> Module:
    text = _text_of(function)
    if not text:
        raise Rejected("has no source that could be read")
    try:
        return _compile(text, function.__code__.co_filename)
    except NOT_COMPILED:
        raise Rejected("has a source that could not be compiled") from None


# Trees are large, and soon read; code is small.
@functools.lru_cache(maxsize=2)
def _compile(text: str, path: str) -> Module:
    """Return the tree of a module and every code object that is compiled from this very tree."""
    tree, codes = _parsed(text, path)
    module = Module(codes=codes)
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            first = min(part.lineno for part in (node, *node.decorator_list))
            module.definitions[node.name, first].append(node)
        elif isinstance(node, ast.Global):
            module.rebound.update(node.names)
    return module


@functools.lru_cache(maxsize=64)
def _codes(text: str, path: str) -> dict[Place, list[CodeType]]:
    """Return every code object that is compiled from a module, by name and first line."""
    return _parsed(text, path)[1]


def _parsed(text: str, path: str) -> tuple[ast.Module, dict[Place, list[CodeType]]]:
    codes: dict[Place, list[CodeType]] = defaultdict(list)
    tree = tree_of(text, path)
    for code in nested_code(code_of_tree(tree, path)):
        codes[code.co_name, code.co_firstlineno].append(code)
    return tree, codes


def words(node: ast.AST) -> str:
    """Return the source of a node for a person."""
    line = ast.unparse(node).partition("\n")[0]
    return line if len(line) <= 60 else line[:57] + "..."
