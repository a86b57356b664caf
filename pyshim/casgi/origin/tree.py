"""Source texts as trees, and trees as code, while the garbage collector rests.

A finalizer that the collector runs may format a traceback, which parses source as well; and older
releases of Python, as 3.11.7, take that for a fault of the parse within which it happens
(SystemError, gh-106905).
"""

import ast
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

_resting = threading.RLock()


def tree_of(text: str, path: str = "<unknown>") -> ast.Module:
    """Return the tree of a module's source; raise SyntaxError or ValueError when it has none."""
    with _at_rest():
        return ast.parse(text, path)


def code_of_tree(tree: ast.Module, path: str) -> CodeType:
    """Return the code of a module; raise SyntaxError or ValueError for a tree that has none."""
    with _at_rest():
        return compile(tree, path, "exec", dont_inherit=True)


@contextmanager
def _at_rest() -> Iterator[None]:
    with _resting:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            if was_enabled:
                gc.enable()
