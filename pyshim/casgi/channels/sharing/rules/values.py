"""Expressions that give plain values, without calls and without the consumer."""

import ast
import re
from types import ModuleType

from casgi.channels.sharing.facts import is_class
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.classes import class_constant
from casgi.channels.sharing.rules.enums import is_part_of_member, is_plain_member
from casgi.channels.sharing.rules.own import compares_own, own_value
from casgi.channels.sharing.rules.plain import are_constants, is_plain
from casgi.channels.sharing.rules.scope import VALUES, Scope, rule, words

COMPOSED = (
    *[ast.BinOp, ast.BoolOp, ast.Dict, ast.IfExp, ast.JoinedStr, ast.List, ast.Slice, ast.Starred],
    *[ast.Subscript, ast.Tuple, ast.UnaryOp],
)
# As `format` reads it, without `n`.
FORMAT = re.compile(r"(.?[<>=^])?[-+ ]?z?#?0?\d*[,_]?(\.\d+)?[bcdeEfFgGosxX%]?")


@rule(VALUES, ast.Constant)
def constant(scope: Scope, node: ast.Constant) -> None:
    """Let a literal through."""
    if not is_plain(node.value):
        raise Rejected(f"uses {words(node)}", node.lineno)


@rule(VALUES, ast.Name)
def name(scope: Scope, node: ast.Name) -> None:
    """Let a local name through, or a global one of a plain immutable value."""
    if node.id == scope.receiver:
        raise Rejected(f"uses {node.id}", node.lineno)
    if node.id in scope.names:
        return
    if not is_plain(scope.lookups.resolve(node)):
        raise Rejected(f"uses the global {node.id}, which is no plain constant", node.lineno)


@rule(VALUES, ast.Attribute)
def attribute(scope: Scope, node: ast.Attribute) -> None:
    """Let a constant of a module, class or enum through, or one of the consumer's class."""
    if scope.own(node):
        own_value(scope, node)
        return
    try:
        if _is_constant(scope, node):
            return
    except Rejected as rejected:
        raise Rejected(rejected.reason, node.lineno) from None
    raise Rejected(f"uses {words(node)}", node.lineno)


def _is_constant(scope: Scope, node: ast.Attribute) -> bool:
    """Whether this is a plain value of a module, a class or a member of an enum."""
    match node.value:
        case ast.Name(id=name) if name not in scope.names:
            owner = scope.lookups.resolve(node.value)
            if type(owner) is ModuleType:
                return is_plain(scope.lookups.of_module(owner, node.attr))
            if not is_class(owner):
                return False
            constant = class_constant(scope, owner, node.attr)
            return is_plain(constant) or is_plain_member(scope, owner, node.attr)
        case ast.Attribute(value=ast.Name(id=name) as named) if name not in scope.names:
            return name != scope.receiver and is_part_of_member(scope, named, node)
    return False


@rule(VALUES, *COMPOSED)
def composed(scope: Scope, node: ast.expr) -> None:
    """Let an expression through that is plain when all of its parts are."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            scope.value(child)


@rule(VALUES, ast.NamedExpr)
def named(scope: Scope, node: ast.NamedExpr) -> None:
    """Let `name := value` through."""
    scope.value(node.value)
    scope.bind(node.target)


@rule(VALUES, ast.ListComp)
def list_comprehension(scope: Scope, node: ast.ListComp) -> None:
    """Let a list comprehension through."""
    scope.comprehension(node.generators).value(node.elt)


@rule(VALUES, ast.DictComp)
def dict_comprehension(scope: Scope, node: ast.DictComp) -> None:
    """Let a dict comprehension through."""
    inner = scope.comprehension(node.generators)
    inner.value(node.key)
    inner.value(node.value)


@rule(VALUES, ast.FormattedValue)
def formatted(scope: Scope, node: ast.FormattedValue) -> None:
    """Let a part of an f-string through whose format does not depend on the locale."""
    scope.value(node.value)
    match node.format_spec:
        case None:
            pass
        case ast.JoinedStr(values=[ast.Constant(value=str(text))]) if FORMAT.fullmatch(text):
            pass
        case specification:
            raise Rejected(f"formats with {words(specification)}", specification.lineno)


@rule(VALUES, ast.Compare)
def comparison(scope: Scope, node: ast.Compare) -> None:
    """Let comparisons of plain values through."""
    if compares_own(scope, node):
        return
    scope.value(node.left)
    for operator, comparator in zip(node.ops, node.comparators, strict=True):
        match operator, comparator:
            case ((ast.Is() | ast.IsNot()), ast.Constant(value=None | True | False)):
                pass
            case ((ast.Is() | ast.IsNot()), _):
                raise Rejected(f"compares by identity with {words(comparator)}", node.lineno)
            case ((ast.In() | ast.NotIn()), ast.Set(elts=parts)) if are_constants(parts):
                pass
            case ((ast.In() | ast.NotIn()), _):
                scope.consumed(comparator)
            case _:
                scope.value(comparator)


@rule(VALUES, ast.Call)
def call(scope: Scope, node: ast.Call) -> None:
    """Let a call through that gives a plain value."""
    if scope.call(node):
        raise Rejected(f"keeps the iterator {words(node)}", node.lineno)


@rule(VALUES, ast.Await)
def awaited(scope: Scope, node: ast.Await) -> None:
    """Let the await of a call through that does not wait, and gives a plain value."""
    if not isinstance(node.value, ast.Call) or not scope.is_async:
        raise Rejected(f"awaits {words(node.value)}", node.lineno)
    scope.call(node.value, is_awaited=True)
