"""Statements of a handler, and of the functions that it calls."""

import ast

from casgi.channels.sharing.libraries import is_ordinary_exception
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.classes import class_of
from casgi.channels.sharing.rules.scope import STATEMENTS, TARGETS, Scope, rule, words


@rule(STATEMENTS, ast.Pass, ast.Break, ast.Continue)
def nothing(scope: Scope, node: ast.stmt) -> None:
    """Let a statement through that only leads elsewhere."""


@rule(STATEMENTS, ast.Return, ast.Expr)
def result(scope: Scope, node: ast.Return | ast.Expr) -> None:
    """Let a value through that is returned, or dropped."""
    if node.value is not None:
        scope.value(node.value)


@rule(STATEMENTS, ast.Assign)
def assignment(scope: Scope, node: ast.Assign) -> None:
    """Let assignments of plain values through."""
    scope.value(node.value)
    for target in node.targets:
        scope.bind(target)


@rule(STATEMENTS, ast.AnnAssign)
def annotated(scope: Scope, node: ast.AnnAssign) -> None:
    """Let an assignment with an annotation through, which nothing reads."""
    if not isinstance(node.target, ast.Name) or node.value is None:
        raise Rejected(f"has the statement {words(node)}", node.lineno)
    scope.value(node.value)
    scope.bind(node.target)


@rule(STATEMENTS, ast.AugAssign)
def augmented(scope: Scope, node: ast.AugAssign) -> None:
    """Let `+=` and its like through."""
    scope.value(node.value)
    scope.bind(node.target)


@rule(STATEMENTS, ast.Delete)
def deletion(scope: Scope, node: ast.Delete) -> None:
    """Let `del` of a name, an item or a slice through."""
    for target in node.targets:
        scope.bind(target)


@rule(STATEMENTS, ast.If)
def condition(scope: Scope, node: ast.If) -> None:
    """Let both sides of a condition through."""
    scope.value(node.test)
    scope.block(node.body + node.orelse)


@rule(STATEMENTS, ast.For)
def loop(scope: Scope, node: ast.For) -> None:
    """Let a loop over plain values through."""
    scope.consumed(node.iter)
    scope.bind(node.target)
    scope.block(node.body + node.orelse)


@rule(STATEMENTS, ast.Assert)
def assertion(scope: Scope, node: ast.Assert) -> None:
    """Let `assert` through: where it fails, the handler runs for each consumer."""
    scope.value(node.test)
    if node.msg is not None:
        scope.value(node.msg)


@rule(STATEMENTS, ast.Raise)
def failure(scope: Scope, node: ast.Raise) -> None:
    """Let the raising of a builtin exception through: the handler then runs for each consumer.

    Not of one that ends the process, which the handler could have caught.
    """
    match node.exc:
        case ast.Call(func=exception, args=arguments, keywords=[]):
            pass
        case exception:
            arguments = []
    owner = None if exception is None else class_of(scope, exception)
    if owner is None or not is_ordinary_exception(owner) or node.cause is not None:
        raise Rejected(f"has the statement {words(node)}", node.lineno)
    for argument in arguments:
        scope.value(argument)


@rule(STATEMENTS, ast.Match)
def matching(scope: Scope, node: ast.Match) -> None:
    """Let `match` of plain values through."""
    scope.value(node.subject)
    for case in node.cases:
        scope.pattern(case.pattern)
        if case.guard is not None:
            scope.value(case.guard)
        scope.block(case.body)


@rule(STATEMENTS, ast.Try)
def attempt(scope: Scope, node: ast.Try) -> None:
    """Let `try` through in the handler itself, whatever its `except` clauses do.

    They never run here: the code that runs once has none (see `lowering`), so an exception leaves
    it, and the handler runs for each consumer.
    """
    if not scope.is_handler:
        raise Rejected(f"has the statement {words(node)}, outside of the handler", node.lineno)
    if node.finalbody:
        raise Rejected("has a finally clause", node.finalbody[0].lineno)
    for part in (part for handler in node.handlers for part in ast.walk(handler)):
        if isinstance(part, ast.Global | ast.Nonlocal):
            raise Rejected(f"has the statement {words(part)}", part.lineno)
    scope.block(node.body + node.orelse)


@rule(TARGETS, ast.Name)
def to_name(scope: Scope, target: ast.Name) -> None:
    """Let an assignment to a local name through."""
    if target.id == scope.receiver:
        raise Rejected(f"assigns {words(target)}", target.lineno)


@rule(TARGETS, ast.Tuple, ast.List)
def to_several(scope: Scope, target: ast.Tuple | ast.List) -> None:
    """Let an assignment to several through."""
    for part in target.elts:
        scope.bind(part)


@rule(TARGETS, ast.Starred)
def to_rest(scope: Scope, target: ast.Starred) -> None:
    """Let `*rest` through."""
    scope.bind(target.value)


@rule(TARGETS, ast.Subscript)
def to_item(scope: Scope, target: ast.Subscript) -> None:
    """Let an assignment into a plain value through."""
    scope.value(target.value)
    scope.value(target.slice)
