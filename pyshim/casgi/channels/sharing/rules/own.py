"""The consumer itself: sending, its methods, constants of its class, and comparisons with it.

A handler that runs once runs on a stand-in. So what it takes from `self` must be the same for every
member: a method, or a constant, that its class defines and its instances do not hide. Or it must be
compared with a plain value: then the handler runs once for each outcome, and each member gets what
belongs to its own.
"""

import ast
import dis
from types import FunctionType

from casgi.channels.sharing.consumer_class import RESERVED
from casgi.channels.sharing.facts import ABSENT, mro_of, namespace_of
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.plain import is_plain
from casgi.channels.sharing.rules.scope import Scope, words

# How many positional arguments, and which by name.
SENDING = {
    "send": (3, frozenset({"text_data", "bytes_data", "message", "close"})),
    "send_json": (2, frozenset({"content", "close"})),
    "encode_json": (1, frozenset({"content"})),
}
# Objects of a connection, which no plain value equals.
OBJECTS = frozenset({"scope", "channel_layer", "channel_receive", "base_send", "groups"})


def own_value(scope: Scope, node: ast.Attribute) -> None:
    """Let a constant of the consumer's class through, which no instance assigns."""
    name = node.attr
    raw = scope.prover.consumer.find(name) if scope.is_consumer else ABSENT
    if not is_plain(raw) or name in RESERVED or name.startswith("__"):
        raise Rejected(f"uses {words(node)}", node.lineno)
    if _is_assigned(scope.prover.consumer.owner, name):
        raise Rejected(f"uses {words(node)}, which each consumer may set", node.lineno)
    scope.lookups.attributes.add(name)
    scope.prover.must_have(name, raw, is_method=False)


def _is_assigned(owner: type, name: str) -> bool:
    """Whether a method of a consumer's class assigns an attribute."""
    functions = [
        value
        for base in mro_of(owner)
        for value in namespace_of(base).values()
        if isinstance(value, FunctionType)
    ]
    return any(
        each.opname == "STORE_ATTR" and each.argval == name
        for function in functions
        if name in function.__code__.co_names
        for each in dis.get_instructions(function)
    )


def compares_own(scope: Scope, node: ast.Compare) -> bool:
    """Let `self.name == value` and `!=` through; False when this is another comparison."""
    sides = [node.left, *node.comparators]
    own = [each for each in sides if scope.own(each)]
    is_equality = len(sides) == 2 and isinstance(node.ops[0], ast.Eq | ast.NotEq)
    if len(own) != 1 or not is_equality or not scope.is_consumer:
        return False
    (other,) = [each for each in sides if each is not own[0]]
    name = scope.own(own[0])
    raw = scope.prover.consumer.find(name)
    if name in OBJECTS or name.startswith("__") or not (raw is ABSENT or is_plain(raw)):
        return False
    scope.value(other)
    scope.lookups.attributes.add(name)
    scope.prover.compare(name, node.lineno)
    return True


def own_call(scope: Scope, node: ast.Call, name: str, is_awaited: bool) -> None:
    """Let a call of the consumer's own method through."""
    prover = scope.prover
    raw = prover.consumer.find(name) if scope.is_consumer else ABSENT
    if name in SENDING and prover.consumer.is_channels_own(name, raw):
        _sending(scope, node, name, is_awaited)
    elif raw is ABSENT or (name in RESERVED and name not in SENDING) or name.startswith("__"):
        raise Rejected(f"calls {words(node.func)}", node.lineno)
    else:
        callee = prover.method(raw, words(node.func), node.lineno)
        prover.must_have(name, callee[0], is_method=type(raw) is not staticmethod)
        prover.call(scope, node, callee, is_awaited)
    scope.lookups.attributes.add(name)


def _sending(scope: Scope, node: ast.Call, name: str, is_awaited: bool) -> None:
    """Let Channels' own methods through, with data alone: not those that close."""
    if is_awaited is scope.prover.consumer.is_sync:
        raise Rejected(f"uses {words(node.func)}", node.lineno)
    most, keywords = SENDING[name]
    given = {keyword.arg for keyword in node.keywords}
    is_spread = any(isinstance(argument, ast.Starred) for argument in node.args)
    closing = [part.value for part in node.keywords if part.arg == "close"]
    closing += node.args[most - 1 :]
    closes = "close" in keywords and any(map(_is_true, closing))
    if is_spread or len(node.args) > most or not given <= keywords or closes:
        raise Rejected(f"calls {words(node)}, not with data alone", node.lineno)
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        scope.value(argument)
    scope.prover.sends(name)


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)
