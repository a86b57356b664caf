"""Which handlers may run once for all members of a group, and running them.

A handler that runs once sends the same frame to every member: done wrongly, one user reads what was
meant for another. So a handler is *per consumer* unless it is
  - *proved*: its class follows `consumer_class`, and its source follows `rules`; or
  - *declared* with `@shared`: its class follows the same rules, and its author promises the rest.

What a proof relies on can change while the program runs: classes and modules are patched, globals
are assigned. So nothing is believed twice: for each message the handler is looked up anew, and
every fact of its proof must still hold (`facts`). What is changed on an instance alone
(`self.send = ...`) is for the caller to check: see `SharedRun.attributes`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from casgi import _core
from casgi.channels.sharing.consumer_class import RESERVED, find
from casgi.channels.sharing.declaring import is_declared
from casgi.channels.sharing.execution import NotRecorded, Outcome, execute
from casgi.channels.sharing.facts import ABSENT, Kind, first_broken, mro_of, namespace_of
from casgi.channels.sharing.fingerprint import fingerprint_of, limits
from casgi.channels.sharing.proof import Attribute, Proof, Prover, is_coroutine
from casgi.channels.sharing.rejection import Rejected

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


class SharedRun(NamedTuple):
    """What one run of a handler, for all members, has come to.

    Attributes:
        outcomes: what it sent, text and bytes, by what is true of a member.
        attributes: what each member's consumer must have; else it handles the event itself.
        fingerprint: of the handler, by which other processes know it; None if none could.

    """

    outcomes: tuple[Outcome, ...]
    attributes: tuple[Attribute, ...]
    fingerprint: bytes | None = None


class _Finding(NamedTuple):
    """What was found out about a handler as it was: its code, and the classes of its consumer."""

    function: object
    code: CodeType
    mro: tuple[type, ...]
    result: Proof | Rejected
    holds: Callable[[], bool] = bool
    """Whether all that a proof relies on is still there."""
    fingerprint: bytes | None = None
    limits: tuple[int, ...] = ()

    def portable(self) -> bytes | None:
        """Return the fingerprint, as long as the interpreter is what it was made for."""
        return self.fingerprint if self.fingerprint and self.limits == limits() else None

    def is_of(self, function: FunctionType, mro: tuple[type, ...]) -> bool:
        """Whether it is about that very function, as it is now, in that very class."""
        is_same = self.function is function and self.code is function.__code__
        return is_same and self.mro is mro


class SharingPlan:
    """The shareable handlers of one consumer class, each run once for a message.

    It lives with its class. All of it belongs to the event loop's thread.
    """

    def __init__(self, consumer_class: type) -> None:
        self._class = consumer_class
        self._findings: dict[str, _Finding] = {}
        self._fingerprints: dict[bytes, str] = {}
        self._logged: set[tuple[int, str]] = set()

    def is_of(self, consumer_class: type) -> bool:
        """Whether this is the plan of that very class."""
        return self._class is consumer_class

    def run(self, message: dict[str, Any]) -> SharedRun | None:
        """Run the handler once, for all; None: it runs for each consumer.

        The message consists of exact plain types, is a copy of its own, and may be changed here.
        """
        name = _handler_name(message.get("type"))
        if name is None:
            return None
        try:
            proof = self.proof(name)
        except Rejected as rejected:
            self._log_once(logging.DEBUG, name, rejected.reason)
            return None
        try:
            outcomes = execute(proof, self._class, message)
            return SharedRun(outcomes, proof.attributes, self._fingerprint(name))
        except NotRecorded as failure:
            level = logging.WARNING if proof.how == "declared" else logging.DEBUG
            self._log_once(level, name, str(failure))
            return None

    def attributes_for(self, fingerprint: bytes) -> tuple[Attribute, ...] | None:
        """Return what a member must have to get what a handler sent in another process.

        None if it is no handler that could run once here now, or none that was looked at yet.
        """
        found = self._findings.get(self._fingerprints.get(fingerprint, ""))
        if found is None or found.portable() != fingerprint or not found.holds():
            return None
        assert isinstance(found.result, Proof)
        return found.result.attributes

    def proof(self, name: str) -> Proof:
        """Return why a handler may run once now, or raise Rejected."""
        found = self._findings.get(name)
        if found is None or not found.holds():  # where its class finds it is one of its facts
            found = self._look_anew(name)
        if isinstance(found.result, Rejected):
            raise Rejected(*vars(found.result).values())
        return found.result

    def _look_anew(self, name: str) -> _Finding:
        """Return what there is to say of a handler now, of which no proof holds; or raise that."""
        function = find(self._class, name)
        if name in RESERVED:
            raise Rejected("has the name of a method of Channels")
        if function is ABSENT:
            raise Rejected("is not there")
        if type(function) is not FunctionType:
            raise Rejected(f"is a {type(function).__name__}, not a plain method")
        mro = mro_of(self._class)
        found = self._findings.get(name)
        if found is None or not found.is_of(function, mro):
            result = _find_out(self._class, name, function)
            found = _Finding(function, function.__code__, mro, result)
            if isinstance(result, Proof):
                found = found._replace(
                    holds=_core.Facts(result.facts).hold,
                    limits=limits(),
                    fingerprint=self._remember(name, fingerprint_of(result, self._class)),
                )
            self._findings[name] = found
        if isinstance(found.result, Proof) and not found.holds():
            raise Rejected(_what_has_changed(found.result))
        return found

    def _fingerprint(self, name: str) -> bytes | None:
        """Return by what other processes can know the handler now."""
        found = self._findings.get(name)
        return None if found is None else found.portable()

    def _remember(self, name: str, fingerprint: bytes | None) -> bytes | None:
        """Keep the newest fingerprint of a handler."""
        before = self._findings.get(name)
        if before is not None and before.fingerprint is not None:
            self._fingerprints.pop(before.fingerprint, None)
        if fingerprint is not None:
            self._fingerprints[fingerprint] = name
        return fingerprint

    def _log_once(self, level: int, name: str, reason: str) -> None:
        """Log once for each handler that it runs for each consumer, and why."""
        if (level, name) in self._logged:
            return
        if find(self._class, name) is ABSENT:  # There is no end of names that are not there.
            return
        self._logged.add((level, name))
        where = f"{self._class.__module__}.{self._class.__qualname__}.{name}"
        logger.log(level, "%s runs for each consumer: it %s", where, reason)


PLAN = "__casgi_sharing_plan__"
"""Where a consumer class keeps its plan."""


def plan_of(consumer_class: type) -> SharingPlan:
    """Return the plan of a consumer class.

    It is kept by the class itself, not by a table: a metaclass can make classes equal, and what a
    plan has found out refers to the class.
    """
    plan = namespace_of(consumer_class).get(PLAN)
    if not isinstance(plan, SharingPlan) or not plan.is_of(consumer_class):
        plan = SharingPlan(consumer_class)
        type.__setattr__(consumer_class, PLAN, plan)
    return plan


def examine(consumer_class: type, handler_name: str) -> Verdict:
    """Say whether a handler of a consumer class may run once, and if not, what prevents it."""
    raw = find(consumer_class, handler_name)
    code = raw.__code__ if type(raw) is FunctionType else None
    path, line = (code.co_filename, code.co_firstlineno) if code else ("", 0)
    try:
        proof = plan_of(consumer_class).proof(handler_name)
    except Rejected as rejected:
        where = rejected.path or path
        return Verdict(False, "", rejected.reason, where, rejected.line or line)
    return Verdict(True, proof.how, "", path, line)


def _handler_name(message_type: object) -> str | None:
    """Return the method that a message type names, None if no group should send it."""
    if type(message_type) is not str:
        return None
    name = message_type.replace(".", "_")
    return None if name.startswith("_") or name in RESERVED else name


def _find_out(consumer_class: type, name: str, function: FunctionType) -> Proof | Rejected:
    """Prove a handler, or say what prevents that."""
    try:
        prover = Prover(consumer_class)
        declared = is_declared(function)
        proof = (prover.take_word if declared else prover.prove)(name, function)
        if is_coroutine(function) is proof.is_sync:
            raise Rejected(f"{'is' if proof.is_sync else 'is not'} a coroutine function")
        return proof
    except Rejected as rejected:
        return Rejected(rejected.reason, rejected.line, rejected.path)
    except RecursionError:
        return Rejected("is too deeply nested to be read")


def _what_has_changed(proof: Proof) -> str:
    """Return the reason why a proof does not hold any more."""
    kind, holder, name, _ = first_broken(proof.facts) or (None, None, "something", None)
    is_of_name = kind in (None, Kind.NAME, Kind.ABSENT)
    what = name if is_of_name else getattr(holder, "__name__", "an object")
    return f"relies on {what}, which has been changed since"
