"""The proof of one handler of one consumer class, and of the functions that it calls."""

import ast
import inspect
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import NamedTuple

import channels.generic.websocket

from casgi.channels.sharing import rules  # noqa: F401 (fills the tables)
from casgi.channels.sharing.consumer_class import OWN, RESERVED, ConsumerClass
from casgi.channels.sharing.facts import Fact, Facts
from casgi.channels.sharing.known import DUMPS_FUNCTION, KnownFunction, known
from casgi.channels.sharing.libraries import facts_of
from casgi.channels.sharing.lookups import Lookups
from casgi.channels.sharing.lowering import lowered
from casgi.channels.sharing.receiver import Callee, Receiver
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.rules.plain import is_plain
from casgi.channels.sharing.rules.scope import Scope, stored, words
from casgi.channels.sharing.source import (
    GENERATOR,
    Definition,
    check_parameters,
    definition_of,
)
from casgi.origin.module_text import nested_code

# As a list: a metaclass can make its class equal to one of these, which a dict would find.
METHODS = [
    (FunctionType, Receiver.CONSUMER),
    (classmethod, Receiver.CLASS),
    (staticmethod, Receiver.NONE),
]


class Attribute(NamedTuple):
    """What each member's consumer must have: this function as its method, or this very object."""

    name: str
    value: object
    is_method: bool


@dataclass(frozen=True)
class Proof:
    """What was found out about a handler.

    Attributes:
        how: "proved" or "declared".
        is_sync: it does not await what it sends.
        function: what runs once.
        facts: what must hold for it, see `facts`.
        attributes: what each member's consumer must have.
        compared: attributes of the consumer that are compared with plain values.

    """

    how: str
    is_sync: bool
    function: FunctionType
    facts: tuple[Fact, ...]
    attributes: tuple[Attribute, ...]
    compared: frozenset[str] = frozenset()


class Prover:
    """The making of one proof.

    Attributes:
        facts, consumer: what it has come to know.

    """

    def __init__(self, owner: type) -> None:
        self.facts = Facts()
        self.consumer = ConsumerClass(owner, self.facts)
        self._attributes: dict[str, Attribute] = {}
        self._compared: set[str] = set()
        self._active: list[FunctionType] = []
        self._proved: set[tuple[int, Receiver]] = set()

    def prove(self, name: str, function: FunctionType) -> Proof:
        """Prove a handler, or raise Rejected."""
        _check_call(function)
        self._find_handler(name, function)
        node = self.function(function, Receiver.CONSUMER)
        return self._proof("proved", lowered(function, node))

    def take_word(self, name: str, function: FunctionType) -> Proof:
        """Take a handler that is declared; only what it sends by is proved."""
        check_parameters(function)
        self.facts.function(function)
        self._find_handler(name, function)
        self.sends("send")
        if self.consumer.own_methods("send_json"):
            if not self.consumer.is_channels_own("send_json", self.consumer.find("send_json")):
                raise Rejected("belongs to a class that defines send_json")
            self.sends("send_json")
        return self._proof("declared", function)

    def _find_handler(self, name: str, function: FunctionType) -> None:
        """Remember where the class finds its handler, as each member has to."""
        if self.consumer.find(name) is not function:
            raise Rejected("was replaced while it was read")
        self.must_have(name, function, is_method=True)

    def _proof(self, how: str, function: FunctionType) -> Proof:
        attributes = tuple(self._attributes.values())
        is_sync = self.consumer.is_sync
        return Proof(
            how, is_sync, function, self.facts.all(), attributes, frozenset(self._compared)
        )

    # What rules find out

    def must_have(self, name: str, value: object, *, is_method: bool) -> None:
        """Remember what an attribute of each member must be."""
        if name in self._compared:
            raise Rejected(f"compares self.{name}, and uses it otherwise")
        self._attributes.setdefault(name, Attribute(name, value, is_method))

    def compare(self, name: str, line: int) -> None:
        """Remember an attribute that is compared with plain values."""
        if name in self._attributes or name in RESERVED:
            raise Rejected(f"compares self.{name}, and uses it otherwise", line)
        self._compared.add(name)

    def rely_on(self, callee: KnownFunction, function: object, line: int | None) -> None:
        """Take what a known function relies on for facts."""
        try:
            self.facts.include(callee.facts(function))
        except Rejected as rejected:
            raise Rejected(rejected.reason, line) from None

    def sends(self, name: str) -> None:
        """Remember that a handler uses one of Channels' own methods that send."""
        if name == "send_json":
            self.sends("send")
        if name == "encode_json":
            self._check_json()
        functions = self.consumer.own_methods(name)
        for function in functions:
            self.facts.include(facts_of(function, OWN))
        self.must_have(name, functions[0], is_method=True)
        if name == "send_json":
            self._encodes()

    def _check_json(self) -> None:
        """Check that Channels' own encode_json() calls Python's own json.dumps()."""
        module = self.facts.name(vars(channels.generic.websocket), "json")
        dumps = self.facts.name(vars(module), "dumps") if type(module) is ModuleType else None
        callee = known(dumps)
        if callee is not DUMPS_FUNCTION:
            raise Rejected("sends by json.dumps, which was replaced")
        self.rely_on(callee, dumps, None)

    def _encodes(self) -> None:
        """Look at the encode_json() that Channels' own send_json() calls."""
        raw = self.consumer.find("encode_json")
        if self.consumer.is_channels_own("encode_json", raw):
            self.sends("encode_json")
            return
        function, receiver = self.method(raw, "self.encode_json", None)
        if is_coroutine(function) is self.consumer.is_sync:
            raise Rejected("sends by an encode_json() of the other kind")
        self.must_have("encode_json", function, is_method=receiver is not Receiver.NONE)
        self.function(function, receiver)

    def method(self, raw: object, described: str, line: int | None) -> Callee:
        """Return the function of what stands in a class, and what it takes first."""
        receiver = next((each for kind, each in METHODS if type(raw) is kind), None)
        is_bare = receiver is Receiver.CONSUMER
        function = raw if receiver is None or is_bare else self.facts.wrapped(raw)
        if receiver is None or type(function) is not FunctionType:
            raise Rejected(f"calls {described}, which is no plain method", line)
        self.facts.type_of(raw)
        return function, receiver

    def call(
        self,
        scope: Scope,
        node: ast.Call,
        callee: Callee,
        is_awaited: bool,
    ) -> None:
        """Let a call of a function that is proved itself through."""
        function, receiver = callee
        if is_coroutine(function) is not is_awaited:
            verb = "awaits" if is_awaited else "does not await"
            raise Rejected(f"{verb} {words(node)}", node.lineno)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            scope.value(argument)
        if function in self._active:
            raise Rejected(f"calls {words(node.func)}, which calls itself", node.lineno)
        try:
            self.function(function, receiver)
        except Rejected as rejected:
            if rejected.line is not None and function.__code__.co_filename == scope.lookups.path:
                raise
            reason = f"calls {words(node.func)}, which {rejected.reason}"
            raise Rejected(reason, node.lineno) from None

    def function(self, function: FunctionType, receiver: Receiver) -> Definition:
        """Prove that a function gives a plain value for plain arguments; return its definition."""
        node = definition_of(function)
        if (id(function), receiver) in self._proved:
            return node
        self._active.append(function)
        self._check_head(function, node, receiver)
        scope = self._scope(function, node, receiver)
        scope.block(node.body)
        if function.__closure__ is not None:
            raise Rejected("has closure variables")
        for code in nested_code(lowered(function, node).__code__):
            scope.lookups.check(code)
        self._active.pop()
        self._proved.add((id(function), receiver))
        return node

    def _check_head(self, function: FunctionType, node: Definition, receiver: Receiver) -> None:
        decorators = [words(each) for each in node.decorator_list]
        if decorators and decorators != [receiver.value]:
            raise Rejected(f"is decorated with {decorators[0]}", node.lineno)
        if getattr(node, "type_params", None):
            raise Rejected("has type parameters")
        if function.__code__.co_flags & GENERATOR:
            raise Rejected("is a generator")
        for default in self.facts.function(function):
            if not is_plain(default):
                raise Rejected("has a default argument that is no plain constant")

    def _scope(self, function: FunctionType, node: Definition, receiver: Receiver) -> Scope:
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args]
        others = [*arguments.kwonlyargs, *filter(None, [arguments.vararg, arguments.kwarg])]
        names = [argument.arg for argument in (*named, *others)]
        takes_receiver = receiver in (Receiver.CONSUMER, Receiver.CLASS)
        if takes_receiver and not named:
            raise Rejected("takes self by a star")
        first = names.pop(0) if takes_receiver else ""
        return Scope(
            prover=self,
            lookups=Lookups(function, self.facts),
            receiver=first,
            is_consumer=receiver is Receiver.CONSUMER,
            is_async=isinstance(node, ast.AsyncFunctionDef),
            is_handler=len(self._active) == 1,
            names=frozenset({*names, *(name for part in node.body for name in stored(part))}),
        )


def is_coroutine(function: FunctionType) -> bool:
    """Whether calling a function gives something to await."""
    return bool(function.__code__.co_flags & inspect.CO_COROUTINE)


def _check_call(function: FunctionType) -> None:
    """Check that a handler can be called with its consumer and the event."""
    code = function.__code__
    needed = code.co_argcount - len(function.__defaults__ or ())
    most = 2 if code.co_flags & inspect.CO_VARARGS else code.co_argcount
    keywords = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    if needed > 2 or most < 2 or set(keywords) - set(function.__kwdefaults__ or ()):
        raise Rejected("does not take self and the event, and nothing else")
