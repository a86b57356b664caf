"""Values that are plain when they are found outside of a handler: constants."""

import ast

PLAIN_TYPES = (str, int, float, bool, bytes, type(None))


def is_plain(value: object) -> bool:
    """Whether this is an immutable value of exactly a plain type, whatever it says of itself."""
    return any(type(value) is plain for plain in PLAIN_TYPES)


def are_constants(nodes: list[ast.expr], allowed: frozenset[str] | None = None) -> bool:
    """Whether these are constants of plain types."""
    return all(
        isinstance(node, ast.Constant)
        and is_plain(node.value)
        and (allowed is None or node.value in allowed)
        for node in nodes
    )
