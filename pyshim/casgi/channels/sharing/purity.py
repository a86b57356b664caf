"""The proof that a handler's frames depend on its event alone, by reading its syntax tree.

The proof is one invariant: every expression that is let through gives a *plain value*, an exact
str, int, float, bool, None, bytes, list, tuple, dict or range of such. They are made from the
event, from constants, and from other plain values by operations of the language, methods of those
types, and `known_functions`. Those types cannot be patched, their operations read nothing else, and
what they give for equal arguments is equal. So two runs with equal events send equal frames.

What would break the invariant does not get through, and neither does what is not listed:
  - `self` other than in `await self.send(...)` and `await self.send_json(...)` as statements
    (without `await` in sync consumers), and those with nothing but data: no closing;
  - functions, modules, types, views and iterators as values (they show addresses and lead
    anywhere): they are called or used up on the spot;
  - globals other than plain immutable values, which must be the same objects still in each run;
  - attributes other than methods by name: there is no way from a value to its class or module;
  - sets (the order of some hangs on addresses), but for constant ones behind `in`; `is`, but for
    None, True and False; str.format and format specifications with `n` (attributes, locale);
  - statements other than assignments, `if`, `for`, sending and a bare `return`.

`handler_source` makes sure that the tree is that of the code that runs, and `lookups` checks that
this code looks no other name up, should the reading of scopes here ever differ from Python's.
"""

import ast
from types import FunctionType

from casgi.channels.sharing.expressions import Expressions, stored, words
from casgi.channels.sharing.handler_source import definition_of, nested_code
from casgi.channels.sharing.known_functions import Fact
from casgi.channels.sharing.lookups import Lookups
from casgi.channels.sharing.obstacle import Obstacle

SEND_KEYWORDS = {
    "send": frozenset({"text_data", "bytes_data", "message"}),
    "send_json": frozenset({"content"}),
}


class Purity:
    """The proof of one handler: when it is made, it holds; otherwise making it raises Obstacle.

    The function must take itself and the event, and nothing else.

    Attributes:
        facts: what the proof relies on outside of the handler; see `known_functions.hold`.
        methods: which of send and send_json the handler uses.

    """

    def __init__(self, function: FunctionType) -> None:
        node = definition_of(function)
        if node.decorator_list:
            raise Obstacle(f"is decorated with {words(node.decorator_list[0])}", node.lineno)
        if function.__defaults__ or getattr(node, "type_params", None):
            raise Obstacle("has default arguments or type parameters")
        lookups = Lookups(function)
        receiver, event = (part.arg for part in (*node.args.posonlyargs, *node.args.args))
        self._is_async = isinstance(node, ast.AsyncFunctionDef)
        self._expressions = Expressions(receiver, lookups)
        self._names = frozenset({event, *(name for part in node.body for name in stored(part))})
        self._methods: set[str] = set()
        self._block(node.body)
        if function.__closure__ is not None:
            raise Obstacle("has closure variables")
        for code in nested_code(function.__code__):
            lookups.check(code)
        self.facts: tuple[Fact, ...] = tuple(
            {(id(fact[0]), fact[1]): fact for fact in lookups.facts}.values()
        )
        self.methods = frozenset(self._methods)

    def _block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        names = self._names
        match node:
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Return(value=None):
                pass
            case ast.Expr(value=ast.Await(value=ast.Call() as call)):
                self._sending(call)
            case ast.Expr(value=ast.Call() as call) if (
                not self._is_async and self._expressions.is_own(call)
            ):
                self._sending(call)
            case ast.Expr(value=value):
                self._expressions.value(value, names)
            case ast.Assign(targets=targets, value=value):
                self._expressions.value(value, names)
                for target in targets:
                    self._expressions.bind(target, names)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self._expressions.value(value, names)
                self._expressions.bind(target, names)
            case ast.AugAssign(target=target, value=value):
                self._expressions.value(value, names)
                self._expressions.bind(target, names)
            case ast.If(test=test, body=body, orelse=orelse):
                self._expressions.value(test, names)
                self._block(body + orelse)
            case ast.For(target=target, iter=iterable, body=body, orelse=orelse):
                self._expressions.consumed(iterable, names)
                self._expressions.bind(target, names)
                self._block(body + orelse)
            case _:
                raise Obstacle(f"has the statement {words(node)}", node.lineno)

    def _sending(self, call: ast.Call) -> None:
        """Let self.send(...) and self.send_json(...) through, unless they can close."""
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if not self._expressions.is_own(call) or method not in SEND_KEYWORDS:
            raise Obstacle(f"calls {words(call.func)}", call.lineno)
        self._expressions.lookups.attributes.add(method)
        self._methods.add(method)
        most = 2 if method == "send" else 1
        given = {keyword.arg for keyword in call.keywords}
        is_spread = any(isinstance(argument, ast.Starred) for argument in call.args)
        if is_spread or len(call.args) > most or not given <= SEND_KEYWORDS[method]:
            raise Obstacle(f"calls {words(call)}, not with data alone", call.lineno)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            self._expressions.value(argument, self._names)
