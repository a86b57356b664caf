"""Calls: of plain values' methods, known functions, and functions that are proved themselves."""

import ast
from types import FunctionType, ModuleType

from casgi.channels.sharing.known import KnownFunction, django_encoder, known
from casgi.channels.sharing.libraries import is_builtin
from casgi.channels.sharing.receiver import Receiver
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.classes import class_constant, class_of
from casgi.channels.sharing.rules.methods import method_of_plain
from casgi.channels.sharing.rules.own import own_call
from casgi.channels.sharing.rules.plain import is_plain
from casgi.channels.sharing.rules.scope import Scope, words

# What isinstance() may ask for: types that answer for themselves.
ASKED = ("str", "int", "float", "bool", "bytes", "list", "tuple", "dict")


def call(scope: Scope, node: ast.Call, is_awaited: bool) -> bool:
    """Let a call through; return whether it gives an iterator instead of a plain value."""
    own = scope.own(node.func)
    if own:
        _check_arguments(node) if own not in ("send", "send_json") else None
        own_call(scope, node, own, is_awaited)
        return False
    _check_arguments(node)
    match node.func:
        case ast.Attribute(value=ast.Name() as owner, attr=name) if owner.id not in scope.names:
            if owner.id == scope.receiver:
                raise Rejected(f"uses {words(node.func)}", node.lineno)
            return _of_global(scope, node, owner, name, is_awaited)
        case ast.Attribute(value=receiver, attr=name):
            scope.value(receiver)
            _check_not_awaited(node, is_awaited)
            return method_of_plain(scope, node, name)
        case ast.Name() as function if function.id not in scope.names:
            if function.id == scope.receiver:
                raise Rejected(f"uses {function.id}", node.lineno)
            return _function(scope, node, scope.lookups.resolve(function), is_awaited)
    raise Rejected(f"calls {words(node.func)}", node.lineno)


def _check_arguments(node: ast.Call) -> None:
    if any(isinstance(part, ast.Starred) for part in node.args):
        raise Rejected(f"calls {words(node)} with *", node.lineno)
    if any(keyword.arg is None for keyword in node.keywords):
        raise Rejected(f"calls {words(node)} with **", node.lineno)


def _check_not_awaited(node: ast.Call, is_awaited: bool) -> None:
    if is_awaited:
        raise Rejected(f"awaits {words(node)}", node.lineno)


def _of_global(scope: Scope, node: ast.Call, owner: ast.Name, name: str, is_awaited: bool) -> bool:
    """Let a call of a module's function, a class's static method or a constant's method through."""
    value = scope.lookups.resolve(owner)
    if type(value) is ModuleType:
        return _function(scope, node, scope.lookups.of_module(value, name), is_awaited)
    if is_plain(value):
        scope.value(owner)
        _check_not_awaited(node, is_awaited)
        return method_of_plain(scope, node, name)
    found = class_of(scope, owner)
    raw = None if found is None else class_constant(scope, found, name)
    if type(raw) is staticmethod:
        callee = scope.prover.method(raw, words(node.func), node.lineno)
        scope.prover.call(scope, node, callee, is_awaited)
        return False
    raise Rejected(f"calls {words(node.func)}, not known to be pure", node.lineno)


def _function(scope: Scope, node: ast.Call, function: object, is_awaited: bool) -> bool:
    """Let a call of a known function, or of one that is proved itself, through."""
    callee = known(function)
    if callee is not None:
        _check_not_awaited(node, is_awaited)
        _known(scope, node, callee)
        scope.prover.rely_on(callee, function, node.lineno)
        return callee.is_iterator
    if is_builtin(function, "isinstance"):
        _check_not_awaited(node, is_awaited)
        _isinstance(scope, node)
        return False
    if type(function) is FunctionType:
        scope.prover.call(scope, node, (function, Receiver.NO_CLASS), is_awaited)
        return False
    raise Rejected(f"calls {words(node.func)}, not known to be pure", node.lineno)


def _known(scope: Scope, node: ast.Call, callee: KnownFunction) -> None:
    """Let the arguments of a known function through."""
    given = {str(keyword.arg) for keyword in node.keywords}
    allowed = given if callee.keywords is None else callee.keywords
    if not given <= allowed or (callee.most is not None and len(node.args) > callee.most):
        raise Rejected(f"calls {words(node)} with arguments of unknown use", node.lineno)
    for number, argument in enumerate(node.args):
        if callee.is_iterator or (callee.consumes and number == 0):
            scope.consumed(argument)
        else:
            scope.value(argument)
    for keyword in node.keywords:
        if keyword.arg not in callee.hooks or not _is_hook(scope, keyword):
            scope.value(keyword.value)


def _is_hook(scope: Scope, keyword: ast.keyword) -> bool:
    """Whether this is json.dumps' `cls` or `default`, with one that is known."""
    if not isinstance(keyword.value, ast.Name) or keyword.value.id in scope.names:
        return False
    hook = scope.lookups.resolve(keyword.value)
    if keyword.arg == "cls":
        facts = django_encoder(hook)
        scope.prover.facts.include(facts or ())
        return facts is not None
    return keyword.arg == "default" and is_builtin(hook, "str")


def _isinstance(scope: Scope, node: ast.Call) -> None:
    """Let isinstance() of a plain value and a plain type, or several, through."""
    if len(node.args) != 2 or node.keywords:
        raise Rejected(f"calls {words(node)} with arguments of unknown use", node.lineno)
    value, asked = node.args
    scope.value(value)
    for each in asked.elts if isinstance(asked, ast.Tuple) else [asked]:
        owner = class_of(scope, each)
        if owner is None or not any(is_builtin(owner, name) for name in ASKED):
            raise Rejected(f"asks whether {words(value)} is a {words(each)}", node.lineno)
