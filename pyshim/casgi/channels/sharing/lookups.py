"""The names that a function looks up outside of itself, each a fact of the proof."""

import ast
import dis
from operator import attrgetter
from types import CodeType, FunctionType, ModuleType

from casgi.channels.sharing.facts import ABSENT, Facts
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.source import rebound_by, rebound_in

# The instructions that may look a name up, and whether it is global or an attribute.
GLOBAL = frozenset({"LOAD_GLOBAL"})
ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


class Lookups:
    """What one function's names stand for.

    Attributes:
        global_names, attributes: the names that the proof has let through.
        path: the file of the function.

    """

    def __init__(self, function: FunctionType, facts: Facts) -> None:
        self._facts = facts
        self._globals = function.__globals__
        self._builtins = builtins_of(function)
        self._free_names = frozenset(function.__code__.co_freevars)
        if type(self._globals) is not dict or type(self._builtins) is not dict:
            raise Rejected("has globals that are no plain dict")
        self.path = function.__code__.co_filename
        # What is assigned while messages are sent is one thing now, and another one later.
        self._rebound = rebound_in(function)
        self.global_names: set[str] = set()
        self.attributes: set[str] = set()

    def resolve(self, node: ast.Name) -> object:
        """Return what a global name stands for, as Python would find it.

        Not if a function assigns it.
        """
        if node.id in self._free_names:
            raise Rejected(f"uses the closure variable {node.id}", node.lineno)
        if node.id in self._rebound:
            raise Rejected(f"uses the global {node.id}, which a function assigns", node.lineno)
        self.global_names.add(node.id)
        value = self._facts.name(self._globals, node.id)
        if value is ABSENT:
            value = self._facts.name(self._builtins, node.id)
        if value is ABSENT:
            raise Rejected(f"uses {node.id}, which is not defined", node.lineno)
        return value

    def of_module(self, module: ModuleType, name: str) -> object:
        """Return what a module has under a name, else ABSENT."""
        self.attributes.add(name)
        # Of another type, it could answer anything.
        if self._facts.type_of(module) is not ModuleType or name in rebound_by(module):
            return ABSENT
        return self._facts.name(vars(module), name)

    def check(self, code: CodeType) -> None:
        """Check that compiled code looks up no other names: the proof from its other end."""
        for instruction in dis.get_instructions(code):
            name, operation = instruction.argval, instruction.opname
            if instruction.opcode not in dis.hasname:
                continue
            if operation in GLOBAL and name in self.global_names:
                continue
            if operation in ATTRIBUTE and name in self.attributes:
                continue
            raise Rejected(f"looks up {name}")


def builtins_of(function: FunctionType) -> dict[str, object]:
    """Return the builtins that a function sees."""
    # By name: mypy's cache drops this attribute, so that every second run would miss it.
    builtins: dict[str, object] = attrgetter("__builtins__")(function)
    return builtins
