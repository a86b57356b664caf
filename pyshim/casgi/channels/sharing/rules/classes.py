"""Constants and static methods of classes: `Kinds.NEW`, `Lines.of(event)`."""

import ast

from casgi.channels.sharing.facts import ABSENT, is_class, mro_of, namespace_of
from casgi.channels.sharing.rules.scope import Scope


def class_constant(scope: Scope, owner: type, name: str) -> object:
    """Return what a class gives for a name, as it stands in it or in one of its bases.

    ABSENT when that cannot be known: a metaclass may answer for its class.
    """
    facts = scope.prover.facts
    if facts.type_of(owner) is not type or any(name in namespace_of(base) for base in mro_of(type)):
        return ABSENT
    for base in facts.mro(owner):
        value = facts.name(base, name)
        if value is not ABSENT:
            scope.lookups.attributes.add(name)
            return value
    return ABSENT


def class_of(scope: Scope, node: ast.expr) -> type | None:
    """Return the class that a global name stands for."""
    if isinstance(node, ast.Name) and node.id not in scope.names and node.id != scope.receiver:
        owner = scope.lookups.resolve(node)
        return owner if is_class(owner) else None
    return None
