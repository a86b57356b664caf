"""What the file of a module says, without running it.

That is: which statement binds each name, and the code of each function. A name is dotted as in
`__qualname__`: "AsyncConsumer.dispatch". Several statements can bind one name: alternatives of an
`if` or `try`, a property and its setter.
"""

import ast
import dis
import inspect
from collections import defaultdict
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import TypeAlias

from casgi.origin.tree import code_of_tree, tree_of

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_WHOLES = (ast.Module, ast.ClassDef)
_BLOCKS = (ast.stmt, ast.excepthandler, ast.match_case)


class ModuleText:
    """The text of one module. Raises SyntaxError or ValueError when it cannot be read.

    Attributes:
        bindings: the statements that bind each name of the module and of the classes in it.
        codes: the code of each function by its name and first line.

    """

    def __init__(self, module: ModuleType, source: str) -> None:
        self.bindings: dict[str, list[ast.stmt]] = defaultdict(list)
        tree = tree_of(source)
        compiled = code_of_tree(tree, module.__file__ or "")
        self._collect(tree, "")
        self.codes = {
            (code.co_qualname, code.co_firstlineno): code for code in nested_code(compiled)
        }

    def code_of(self, name: str, node: FunctionNode) -> CodeType | None:
        """Return the code of a function under its dotted name."""
        return self.codes.get((name, first_line(node)))

    def members(self, class_name: str) -> dict[str, list[ast.stmt]]:
        """Return what the body of a class binds."""
        prefix = class_name + "."
        return {
            name.removeprefix(prefix): statements
            for name, statements in self.bindings.items()
            if name.startswith(prefix) and "." not in name.removeprefix(prefix)
        }

    def _collect(self, parent: ast.AST, prefix: str) -> None:
        """Note what the statements of one scope bind, those within `if` and `try` included."""
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.stmt):
                for name in _bound_by(node):
                    self._bind(prefix + name, node, always=isinstance(parent, _WHOLES))
            if isinstance(node, ast.ClassDef):
                self._collect(node, f"{prefix}{node.name}.")
            elif isinstance(node, _BLOCKS) and not isinstance(node, _SCOPES):
                self._collect(node, prefix)

    def _bind(self, name: str, node: ast.stmt, *, always: bool) -> None:
        if always and not _is_accessor(node):
            del self.bindings[name][:]  # by what was before
        self.bindings[name].append(node)


def first_line(node: FunctionNode) -> int:
    """Return the line at which a function's code begins: that of its first decorator."""
    return min(part.lineno for part in (node, *node.decorator_list))


def source_of(module: ModuleType) -> str:
    """Return a module's source; raise OSError when there is none."""
    try:
        return inspect.getsource(module)
    except TypeError as error:  # a module of C, or none at all
        raise OSError(str(error)) from None


def nested_code(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested_code(constant)


def global_names(code: CodeType) -> set[str]:
    """Return the global and builtin names that a function looks up, nested ones included."""
    return {
        instruction.argval
        for one in nested_code(code)
        for instruction in dis.get_instructions(one)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }


def _bound_by(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.For() | ast.With():
            for part in _outside_of_scopes(node):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    yield part.id


def _is_accessor(node: ast.stmt) -> bool:
    """Whether this is a function that is added to the property of its name."""
    decorators = node.decorator_list if isinstance(node, FunctionNode) else []
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in decorators)


def _outside_of_scopes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the expressions of a statement, without the statements and scopes within it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.stmt, *_SCOPES)):
            yield child
            yield from _outside_of_scopes(child)
