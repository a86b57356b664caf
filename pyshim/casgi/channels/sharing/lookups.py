"""The names that a handler looks up outside of itself, and what its proof relies on there."""

import ast
import dis
from operator import attrgetter
from types import CodeType, FunctionType, ModuleType

from casgi.channels.sharing.known_functions import ABSENT, Fact
from casgi.channels.sharing.obstacle import Obstacle

# The instructions that may look a name up, and whether it is global or an attribute.
GLOBAL = frozenset({"LOAD_GLOBAL"})
ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


class Lookups:
    """What one function's names stand for.

    Attributes:
        global_names, attributes: the names that the proof has let through.
        facts: what they stood for then.

    """

    def __init__(self, function: FunctionType) -> None:
        self._globals = function.__globals__
        # By name: mypy's cache drops this attribute, so that every second run would miss it.
        self._builtins: dict[str, object] = attrgetter("__builtins__")(function)
        self._free_names = frozenset(function.__code__.co_freevars)
        if type(self._globals) is not dict or type(self._builtins) is not dict:
            raise Obstacle("has globals that are no plain dict")
        self.global_names: set[str] = set()
        self.attributes: set[str] = set()
        self.facts: list[Fact] = []

    def resolve(self, node: ast.Name) -> object:
        """Return what a global name stands for, as Python would find it."""
        if node.id in self._free_names:
            raise Obstacle(f"uses the closure variable {node.id}", node.lineno)
        self.global_names.add(node.id)
        value = self._rely(self._globals, node.id)
        if value is ABSENT:
            value = self._rely(self._builtins, node.id)
        if value is ABSENT:
            raise Obstacle(f"uses {node.id}, which is not defined", node.lineno)
        return value

    def attribute(self, module: ModuleType, name: str) -> object:
        """Return what a module has under a name."""
        self.attributes.add(name)
        return self._rely(vars(module), name)

    def _rely(self, namespace: dict[str, object], name: str) -> object:
        value = namespace.get(name, ABSENT)
        self.facts.append((namespace, name, value))
        return value

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
            raise Obstacle(f"looks up {name}")
