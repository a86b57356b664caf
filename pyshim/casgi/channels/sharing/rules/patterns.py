"""Patterns of `match`, on plain values."""

import ast

from casgi.channels.sharing.libraries import is_builtin
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.calls import ASKED
from casgi.channels.sharing.rules.classes import class_of
from casgi.channels.sharing.rules.scope import PATTERNS, Scope, rule, words


@rule(PATTERNS, ast.MatchValue)
def value(scope: Scope, node: ast.MatchValue) -> None:
    """Let a literal, or a constant, through."""
    scope.value(node.value)


@rule(PATTERNS, ast.MatchSingleton)
def singleton(scope: Scope, node: ast.MatchSingleton) -> None:
    """Let None, True and False through."""


@rule(PATTERNS, ast.MatchStar)
def rest(scope: Scope, node: ast.MatchStar) -> None:
    """Let `*rest` through."""
    _check_name(scope, node, node.name)


@rule(PATTERNS, ast.MatchAs)
def capture(scope: Scope, node: ast.MatchAs) -> None:
    """Let `pattern as name`, `name` and `_` through."""
    _check_name(scope, node, node.name)
    if node.pattern is not None:
        scope.pattern(node.pattern)


@rule(PATTERNS, ast.MatchOr, ast.MatchSequence)
def several(scope: Scope, node: ast.MatchOr | ast.MatchSequence) -> None:
    """Let alternatives, and the parts of a sequence, through."""
    for part in node.patterns:
        scope.pattern(part)


@rule(PATTERNS, ast.MatchMapping)
def mapping(scope: Scope, node: ast.MatchMapping) -> None:
    """Let keys and the patterns of their values through."""
    _check_name(scope, node, node.rest)
    for key in node.keys:
        scope.value(key)
    for part in node.patterns:
        scope.pattern(part)


@rule(PATTERNS, ast.MatchClass)
def instance(scope: Scope, node: ast.MatchClass) -> None:
    """Let `str()` and its like through, with at most the value itself inside."""
    owner = class_of(scope, node.cls)
    if owner is None or not any(is_builtin(owner, name) for name in ASKED) or node.kwd_attrs:
        raise Rejected(f"matches {words(node)}", node.lineno)
    for part in node.patterns:
        scope.pattern(part)


def _check_name(scope: Scope, node: ast.pattern, name: str | None) -> None:
    if name is not None and name == scope.receiver:
        raise Rejected(f"assigns {name}", node.lineno)
