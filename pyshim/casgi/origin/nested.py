"""A function within a function, as its file defines it: for wrappers whose text is known."""

import ast
import sys
from types import CodeType

from casgi.origin.module_text import FunctionNode, ModuleText, first_line, source_of
from casgi.origin.tree import tree_of


def nested_function(module_name: str, name: str) -> tuple[CodeType, str] | None:
    """Return a nested function's code, and its body as a text that no layout changes.

    Args:
        module_name: a module; None is returned when it is not loaded, or has no source.
        name: as `__qualname__`: "Middleware.__call__.<locals>.wrapped_send".

    """
    module = sys.modules.get(module_name)
    if module is None:
        return None
    try:
        source = source_of(module)
        text = ModuleText(module, source)
    except (OSError, SyntaxError, ValueError):
        return None
    found = [(line, code) for (other, line), code in text.codes.items() if other == name]
    if len(found) != 1:
        return None
    [(line, code)] = found
    for node in ast.walk(tree_of(source)):
        if isinstance(node, FunctionNode) and (node.name, first_line(node)) == (code.co_name, line):
            return code, "\n".join(map(ast.unparse, node.body))
    return None
