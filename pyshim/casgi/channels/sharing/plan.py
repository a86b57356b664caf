"""Which handlers may run once for all members of a group, and running them.

A handler that runs once sends the same frame to every member: done wrongly, one user reads what was
meant for another. So a handler is *per consumer* unless it is
  - *proved*: its class follows `consumer_rules`, and its source follows `purity`; or
  - *declared* with `@shared`: its class follows the same rules, and its author promises the rest.

What a proof relies on can change while the program runs: classes and modules are patched, globals
are assigned. So nothing is believed twice: for each message the class is checked anew, the handler
is looked up anew and must have the code that was proved, and each name it looks up must stand for
the same object as then. What is changed on an instance alone (`self.send = ...`) is for the caller
to check: see `SharedRun.methods`.
"""

import inspect
import logging
import weakref
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from casgi.channels.sharing.consumer_rules import (
    RESERVED,
    check_class,
    find,
    json_facts,
    sending_methods,
)
from casgi.channels.sharing.declaring import is_declared
from casgi.channels.sharing.handler_source import check_parameters
from casgi.channels.sharing.known_functions import ABSENT, Fact, hold
from casgi.channels.sharing.obstacle import Obstacle
from casgi.channels.sharing.purity import Purity
from casgi.channels.sharing.stand_in import NotRecorded, Payloads, run

logger = logging.getLogger("casgi.channels")


@dataclass(frozen=True)
class Verdict:
    """Of one handler of one consumer class.

    Attributes:
        how: "proved", "declared", or "" when it is not shared.
        reason: why it is not shared ("uses self.scope"), else "".
        path, line: of the construct that prevents it, else of the handler.

    """

    is_shared: bool
    how: str
    reason: str
    path: str
    line: int


@dataclass(frozen=True)
class Proof:
    """What was found out about a function, whatever its class; it is of this code only.

    Attributes:
        how: as in Verdict.
        facts: what must hold for it, see `known_functions.hold`.
        methods: by which of Channels' methods the handler sends.
        obstacle: reason, line and path, when there is no proof.

    """

    code: CodeType
    how: str = ""
    facts: tuple[Fact, ...] = ()
    methods: frozenset[str] = frozenset()
    obstacle: tuple[str, int | None, str | None] | None = None


class SharedRun(NamedTuple):
    """What one run of a handler, for all members, has come to.

    Attributes:
        payloads: what it sent, text and bytes.
        methods: each attribute of a consumer that counts here, with its function in the class. A
            consumer on whose instance one of them is something else must handle the event itself.

    """

    payloads: Payloads
    methods: tuple[tuple[str, Any], ...]


class SharingPlan:
    """The shareable handlers of one consumer class, each run once for a message.

    It does not keep the class alive. All of it belongs to the event loop's thread.
    """

    def __init__(self, consumer_class: type) -> None:
        self._class = weakref.ref(consumer_class)
        self._told: set[tuple[int, str]] = set()

    def run(self, message: dict[str, Any]) -> SharedRun | None:
        """Run the handler once, for all; None: it runs for each consumer.

        The message consists of exact plain types, is a copy of its own, and may be changed here.
        """
        consumer_class = self._class()
        name = _handler_name(message.get("type"))
        if consumer_class is None or name is None:
            return None
        try:
            function, proof = _proved(consumer_class, name)
        except Obstacle as obstacle:
            self._tell(logging.DEBUG, name, obstacle.reason)
            return None
        try:
            payloads = run(function, consumer_class, message)
        except NotRecorded as failure:
            level = logging.WARNING if proof.how == "declared" else logging.DEBUG
            self._tell(level, name, str(failure))
            return None
        methods = ((name, function), *sending_methods(consumer_class, proof.methods))
        return SharedRun(payloads, methods)

    def _tell(self, level: int, name: str, reason: str) -> None:
        """Log once for each handler that it runs for each consumer, and why."""
        consumer_class = self._class()
        if (level, name) in self._told or consumer_class is None:
            return
        if find(consumer_class, name) is ABSENT:  # There is no end of names that are not there.
            return
        self._told.add((level, name))
        where = f"{consumer_class.__module__}.{consumer_class.__qualname__}.{name}"
        logger.log(level, "%s runs for each consumer: it %s", where, reason)


_plans: weakref.WeakKeyDictionary[type, SharingPlan] = weakref.WeakKeyDictionary()
_proofs: weakref.WeakKeyDictionary[FunctionType, Proof] = weakref.WeakKeyDictionary()


def plan_of(consumer_class: type) -> SharingPlan:
    """Return the plan of a consumer class."""
    plan = _plans.get(consumer_class)
    if plan is None:
        plan = _plans[consumer_class] = SharingPlan(consumer_class)
    return plan


def examine(consumer_class: type, handler_name: str) -> Verdict:
    """Say whether a handler of a consumer class may run once, and if not, what prevents it."""
    raw = find(consumer_class, handler_name)
    code = raw.__code__ if isinstance(raw, FunctionType) else None
    path, line = (code.co_filename, code.co_firstlineno) if code else ("", 0)
    try:
        _, proof = _proved(consumer_class, handler_name)
    except Obstacle as obstacle:
        where = obstacle.path or path
        return Verdict(False, "", obstacle.reason, where, obstacle.line or line)
    return Verdict(True, proof.how, "", path, line)


def _handler_name(message_type: object) -> str | None:
    """Return the method that a message type names, None if no group should send it."""
    if type(message_type) is not str:
        return None
    name = message_type.replace(".", "_")
    return None if name.startswith("_") or name in RESERVED else name


def _proved(consumer_class: type, name: str) -> tuple[FunctionType, Proof]:
    """Return a handler and why it is shareable now, or raise Obstacle."""
    if name in RESERVED:
        raise Obstacle("has the name of a method of Channels")
    function = find(consumer_class, name)
    if function is ABSENT:
        raise Obstacle("is not there")
    if not isinstance(function, FunctionType):
        raise Obstacle(f"is a {type(function).__name__}, not a plain method")
    check_class(consumer_class)
    proof = _proofs.get(function)
    if proof is None or proof.code is not function.__code__:
        proof = _proofs[function] = _prove(function)
    if proof.obstacle is not None:
        raise Obstacle(*proof.obstacle)
    is_async = bool(proof.code.co_flags & inspect.CO_COROUTINE)
    if is_async is consumer_class._sync:  # type: ignore[attr-defined]
        raise Obstacle("is a coroutine function" if is_async else "is not a coroutine function")
    if not hold(proof.facts):
        raise Obstacle("relies on a name that has come to stand for something else")
    return function, proof


def _prove(function: FunctionType) -> Proof:
    """Find out about a function, once for each code that it has."""
    code = function.__code__
    try:
        check_parameters(function)
        if is_declared(function):
            return Proof(code, "declared", methods=frozenset({"send", "send_json"}))
        purity = Purity(function)
        facts = json_facts() if "send_json" in purity.methods else ()
        return Proof(code, "proved", (*purity.facts, *facts), purity.methods)
    except Obstacle as obstacle:
        return Proof(code, obstacle=(obstacle.reason, obstacle.line, obstacle.path))
    except RecursionError:
        return Proof(code, obstacle=("is too deeply nested to be read", None, None))
