"""The code that runs once: the handler's own, or without its `except` clauses if it has some.

What an `except` clause does is not proved, since it may do anything: log, close, count. So the
handler that runs once has none. As long as nothing is raised, it does the same; and what is raised
leaves it, so that the handler runs for each consumer, with its clauses.
"""

import ast
import copy
from types import CodeType, FunctionType

from casgi.channels.sharing.lookups import builtins_of
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.source import Definition
from casgi.origin.module_text import nested_code
from casgi.origin.tree import code_of_tree


class _WithoutExcept(ast.NodeTransformer):
    def visit_Try(self, node: ast.Try) -> list[ast.stmt]:
        return [part for each in node.body + node.orelse for part in self._visited(each)]

    def _visited(self, node: ast.stmt) -> list[ast.stmt]:
        found = self.visit(node)
        return found if isinstance(found, list) else [found]


def lowered(function: FunctionType, node: Definition) -> FunctionType:
    """Return a function like `function`, whose definition is `node`, that catches nothing."""
    if not any(isinstance(part, ast.Try) for part in ast.walk(node)):
        return function
    for part in ast.walk(node):
        name = getattr(part, "id", getattr(part, "attr", ""))
        if name.startswith("__") and not name.endswith("__"):
            raise Rejected(f"uses the private name {name}", getattr(part, "lineno", None))
    bare = _WithoutExcept().visit(copy.deepcopy(node))
    bare.returns = None
    for argument in ast.walk(bare.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    # Defaults are taken from the function: these are never evaluated, only counted.
    code = code_of_tree(ast.Module([bare], []), function.__code__.co_filename)
    (own,) = [each for each in nested_code(code) if _is_definition(each, function)]
    result = FunctionType(own, function.__globals__, node.name, function.__defaults__)
    result.__kwdefaults__ = function.__kwdefaults__
    if builtins_of(result) is not builtins_of(function):
        raise Rejected("has globals with other builtins")
    return result


def _is_definition(code: CodeType, function: FunctionType) -> bool:
    original = function.__code__
    return code.co_name == original.co_name and code.co_firstlineno == original.co_firstlineno
