"""One function under proof: what its names are, and the tables of rules that are tried on its tree.

There is one rule for each kind of node, found by the node's type; what has no rule is rejected. A
rule lets a construct through by returning.
"""

import ast
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from casgi.channels.sharing.lookups import Lookups
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.source import words

__all__ = ["words"]

if TYPE_CHECKING:
    from casgi.channels.sharing.proof import Prover

Names = frozenset[str]
Rule = TypeVar("Rule", bound=Callable[..., Any])

VALUES: dict[type[ast.AST], Callable[["Scope", Any], None]] = {}
STATEMENTS: dict[type[ast.AST], Callable[["Scope", Any], None]] = {}
PATTERNS: dict[type[ast.AST], Callable[["Scope", Any], None]] = {}
TARGETS: dict[type[ast.AST], Callable[["Scope", Any], None]] = {}


def rule(table: dict[type[ast.AST], Any], *kinds: type[ast.AST]) -> Callable[[Rule], Rule]:
    """Make a function the rule for nodes of these kinds."""

    def register(function: Rule) -> Rule:
        table.update(dict.fromkeys(kinds, function))
        return function

    return register


@dataclass(frozen=True)
class Scope:
    """Where a node stands.

    Attributes:
        receiver: the name of the consumer, or of its class; "" in functions and static methods.
        is_consumer: it is the consumer, not its class.
        is_async: in a coroutine function.
        is_handler: in the handler itself, not in what it calls.
        names: the local names.

    """

    prover: "Prover"
    lookups: Lookups
    receiver: str
    is_consumer: bool
    is_async: bool
    is_handler: bool
    names: Names

    def with_names(self, names: Iterator[str]) -> "Scope":
        """Return the scope inside of a comprehension."""
        return dataclasses.replace(self, names=self.names | frozenset(names))

    def value(self, node: ast.AST) -> None:
        """Let an expression through that gives a plain value."""
        found = VALUES.get(type(node))
        if found is None:
            raise Rejected(f"uses {words(node)}", line_of(node))
        found(self, node)

    def consumed(self, node: ast.expr) -> None:
        """Let a plain value or an iterator through, where an iterator is used up at once."""
        if isinstance(node, ast.GeneratorExp):
            self.comprehension(node.generators).value(node.elt)
        elif isinstance(node, ast.Call):
            self.call(node)
        else:
            self.value(node)

    def call(self, node: ast.Call, *, is_awaited: bool = False) -> bool:
        """Let a call through; return whether it gives an iterator instead of a plain value."""
        from casgi.channels.sharing.rules.calls import call

        return call(self, node, is_awaited)

    def comprehension(self, generators: list[ast.comprehension]) -> "Scope":
        """Return the scope within a comprehension; only its first iterable is outside of it."""
        scope = self
        for generator in generators:
            if generator.is_async:
                raise Rejected("has an asynchronous comprehension", generator.iter.lineno)
            scope.consumed(generator.iter)
            scope.bind(generator.target)
            scope = scope.with_names(stored(generator.target))
            for condition in generator.ifs:
                scope.value(condition)
        return scope

    def bind(self, target: ast.expr) -> None:
        """Let an assignment to local names, or into a plain value, through."""
        found = TARGETS.get(type(target))
        if found is None:
            raise Rejected(f"assigns {words(target)}", target.lineno)
        found(self, target)

    def pattern(self, node: ast.pattern) -> None:
        """Let a pattern of `match` through."""
        found = PATTERNS.get(type(node))
        if found is None:
            raise Rejected(f"matches {words(node)}", node.lineno)
        found(self, node)

    def block(self, statements: list[ast.stmt]) -> None:
        """Let statements through."""
        for node in statements:
            found = STATEMENTS.get(type(node))
            if found is None:
                raise Rejected(f"has the statement {words(node)}", node.lineno)
            found(self, node)

    def own(self, node: ast.AST) -> str:
        """Return the name in `self.name`, else ""."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == self.receiver:
                return attribute
        return ""


def stored(node: ast.AST) -> Iterator[str]:
    """Yield the names that become local to a function: not the targets of comprehensions."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)) | ast.ExceptHandler(name=str(name)):
            yield name
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.comprehension) and child is node.target):
            yield from stored(child)


def line_of(node: ast.AST) -> int | None:
    """Return the line of a node, if it has one."""
    line: int | None = getattr(node, "lineno", None)
    return line
