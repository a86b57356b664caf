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
import warnings
from collections.abc import Iterator
from types import CodeType, FunctionType

from casgi.channels.sharing.obstacle import Obstacle

VARIADIC = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
Definition = ast.FunctionDef | ast.AsyncFunctionDef


def check_parameters(function: FunctionType) -> None:
    """Raise Obstacle unless a function takes its consumer and the event, and nothing else."""
    code = function.__code__
    if code.co_argcount != 2 or code.co_kwonlyargcount or code.co_flags & VARIADIC:
        raise Obstacle("does not take self and the event, and nothing else")
    if code.co_flags & GENERATOR:
        raise Obstacle("is a generator")


def definition_of(function: FunctionType) -> Definition:
    """Return the definition that the function was compiled from, or raise Obstacle."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        raise Obstacle("has no source that could be read")
    try:
        tree, compiled = _compile(text, code.co_filename)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Obstacle("has a source that could not be compiled") from None
    place = (code.co_name, code.co_firstlineno)
    definitions = [node for node in ast.walk(tree) if _place(node) == place]
    codes = [other for other in compiled if (other.co_name, other.co_firstlineno) == place]
    if len(definitions) != 1 or len(codes) != 1 or codes[0] != code:
        raise Obstacle("is not what its source file says now")
    found = definitions[0]
    assert isinstance(found, Definition)
    return found


@functools.lru_cache(maxsize=4)
def _compile(text: str, path: str) -> tuple[ast.Module, tuple[CodeType, ...]]:
    """Return the tree of a module and every code object that is compiled from this very tree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text, path)
        module = compile(tree, path, "exec", dont_inherit=True)
    return tree, tuple(nested_code(module))


def nested_code(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_code(constant)


def _place(node: ast.AST) -> tuple[str, int] | None:
    """Return a definition's name and first line, as its code object has them."""
    if not isinstance(node, Definition):
        return None
    return node.name, min(part.lineno for part in (node, *node.decorator_list))
