"""What a proof is called in every process: so one can take what another's handler has sent.

A proved handler sends the same for equal messages as long as its facts hold. Facts are compared by
identity, which has no meaning in another process. So each is described by what is the same there:
plain values by themselves, functions by their code, what has a place in a module by that place.
The description of all of them, as a digest, is the fingerprint; equal ones mean the same handler on
the same values. A proof that relies on anything which cannot be described has none, nor has a
handler that is declared: what it may hang on is not known.

Descriptions stand for identity: what two facts say of one description, they say of one object. So
no two objects that can differ in what is not described, as classes of one name can, may have the
same one: with their roles exchanged, the facts would read the same.
"""

import builtins
import dis
import sys
from collections.abc import Callable, Iterable
from hashlib import blake2b
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    ModuleType,
)
from typing import Any

import casgi
from casgi.channels.sharing.facts import Fact, is_class, mro_of, namespace_of
from casgi.channels.sharing.libraries import DESCRIPTORS, is_static
from casgi.channels.sharing.lookups import builtins_of
from casgi.channels.sharing.proof import Proof

_SIZE = 16
_DEEPEST = 16
_PLAIN = (str, bytes, float, complex, bool, type(None), type(...))
_OF_CODE = (
    *["co_name", "co_qualname", "co_filename", "co_firstlineno", "co_code", "co_exceptiontable"],
    *["co_names", "co_varnames", "co_freevars", "co_cellvars", "co_consts", "co_flags"],
    *["co_argcount", "co_posonlyargcount", "co_kwonlyargcount"],
)
# `~` of a bool warns, and what a warning does hangs on each process's filters.
_INVERT = dis.opmap["UNARY_INVERT"]
# Instances of classes that are built on these have nothing that is not described.
_SOLID = (object, str, int, float, bytes)
_TEXTS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    *[(str, str.__repr__), (float, float.__repr__), (bytes, bytes.__repr__)],
    (int, lambda value: hex(int.__int__(value))),
)


class _NotPortableError(Exception):
    """Something means nothing outside of this process."""


def fingerprint_of(proof: Proof, owner: type) -> bytes | None:
    """Return the fingerprint of a handler's proof for a class of consumers; None if it has none.

    It holds as long as limits() are what they are now.
    """
    # With -b, what texts are made of bytes hangs on each process's filters of warnings.
    if proof.how != "proved" or sys.flags.bytes_warning:
        return None
    describe = _Descriptions()
    try:
        facts = sorted(describe.fact(fact) for fact in proof.facts)
        handler = describe((owner, proof.function, tuple(map(tuple, proof.attributes))))
    except (_NotPortableError, AttributeError):  # a class can lack its __module__
        return None
    # Of another version of Python, or of these rules, nothing is taken.
    versions = (sys.version, casgi.__version__, __file__, limits())
    return _digest(versions, proof.is_sync, sorted(proof.compared), handler, facts)


def limits() -> tuple[int, int]:
    """Return what the interpreter bears: beyond that a handler raises in this process alone."""
    return sys.get_int_max_str_digits(), sys.getrecursionlimit()


def _digest(*parts: object) -> bytes:
    """Return the digest of parts that consist of exact plain types."""
    text = repr(parts).encode(errors="surrogatepass")
    return blake2b(text, digest_size=_SIZE).digest()


class _Descriptions:
    """Describes objects by what is the same in another process. Raises _NotPortableError."""

    def __init__(self) -> None:
        # By identity; with the objects, which may be made for the question.
        self._known: dict[int, tuple[object, bytes]] = {}
        self._named: dict[bytes, object] = {}

    def fact(self, fact: Fact) -> bytes:
        """Return the digest of a fact."""
        kind, holder, name, value = fact
        return _digest(kind, self(holder), *_texts(name), self(value))

    def __call__(self, value: Any, depth: int = 0) -> bytes:
        """Return the digest of what is the same in another process."""
        known = self._known.get(id(value))
        if known is None:
            if depth > _DEEPEST:
                raise _NotPortableError
            known = self._known[id(value)] = value, _digest(*self._parts(value, depth + 1))
        return known[1]

    def _parts(self, value: Any, depth: int) -> tuple[Any, ...]:
        kind = type(value)
        if _is_one_of(kind, _PLAIN):
            return (kind.__name__, repr(value))
        if kind is int:
            return ("int", hex(value))  # which has no limit
        if kind is tuple:
            return ("tuple", *(self(each, depth) for each in value))
        if kind is frozenset:
            return ("frozenset", *sorted(self(each, depth) for each in value))
        if kind is dict:
            return self._dict(value, depth)
        if kind is CodeType:
            return self._code(value, depth)
        return self._object(value, depth)

    def _code(self, code: CodeType, depth: int) -> tuple[Any, ...]:
        if _INVERT in code.co_code[::2]:
            raise _NotPortableError
        return ("code", *(self(getattr(code, name), depth) for name in _OF_CODE))

    def _dict(self, names: dict[Any, Any], depth: int) -> tuple[Any, ...]:
        """Describe a module's globals by its name, any other dict by what is in it."""
        name = _name_of_globals(names)
        return ("dict", self._items(names, depth)) if name is None else ("globals", name)

    def _object(self, value: Any, depth: int) -> tuple[Any, ...]:
        """Describe what has a name, or is an object without one."""
        kind = type(value)
        if kind is FunctionType:
            return self._only(value, self._function(value, depth))
        if is_class(value):
            names = [type.__dict__[name].__get__(value) for name in ("__module__", "__qualname__")]
            return self._only(value, ("class", *_texts(*names)))
        if kind is ModuleType:
            return self._only(value, ("module", *_texts(vars(value).get("__name__"))))
        if kind is CellType:
            return ("cell",)  # its content is described with its function
        if kind is BuiltinFunctionType:
            return ("builtin", *_texts(value.__qualname__), self(value.__self__, depth))
        if _is_one_of(kind, DESCRIPTORS):
            return ("descriptor", *_texts(value.__name__), self(value.__objclass__, depth))
        if kind is staticmethod or kind is classmethod:
            return (kind.__name__, self(value.__func__, depth))
        if kind is property:
            functions = (value.fget, value.fset, value.fdel)
            return ("property", *(self(each, depth) for each in functions))
        return self._instance(value, depth)

    def _only(self, value: object, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        """Let a description through that no other object has."""
        if self._named.setdefault(_digest(*parts), value) is not value:
            raise _NotPortableError
        return parts

    def _function(self, function: FunctionType, depth: int) -> tuple[Any, ...]:
        """Describe a function by its place, its code, and where that looks names up.

        What it has for default arguments are facts.
        """
        name = _name_of_globals(function.__globals__)
        if name is None or builtins_of(function) is not vars(builtins):
            raise _NotPortableError
        texts = _texts(function.__module__, function.__qualname__)
        cells = [self(_content_of(cell), depth) for cell in function.__closure__ or ()]
        return ("function", *texts, name, self(function.__code__, depth), cells)

    def _instance(self, value: Any, depth: int) -> tuple[Any, ...]:
        """Describe an object by its class, its attributes, and its value as a text or number."""
        kind = type(value)
        if not all(_has_only_attributes(base) for base in mro_of(kind)):
            raise _NotPortableError
        plain = [text(value) for base, text in _TEXTS if issubclass(kind, base)]
        try:
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            if not plain:
                raise _NotPortableError from None
            attributes = {}
        return ("instance", self(kind, depth), plain, self._items(attributes, depth))

    def _items(self, names: dict[Any, Any], depth: int) -> list[tuple[bytes, bytes]]:
        return sorted((self(key, depth), self(each, depth)) for key, each in names.items())


def _name_of_globals(names: dict[str, Any]) -> str | None:
    """Return the name of the module whose globals these are, None if they are of none."""
    name = names.get("__name__")
    module = sys.modules.get(name) if type(name) is str else None
    return name if type(module) is ModuleType and vars(module) is names else None


def _content_of(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        raise _NotPortableError from None


def _has_only_attributes(owner: type) -> bool:
    """Whether a class gives its instances nothing but a value of `_SOLID`, and a `__dict__`."""
    if is_static(owner):
        return _is_one_of(owner, _SOLID)
    return not any(type(each) is MemberDescriptorType for each in namespace_of(owner).values())


def _texts(*names: object) -> tuple[object, ...]:
    if not all(type(name) is str for name in names):
        raise _NotPortableError
    return names


def _is_one_of(kind: type, types: Iterable[type]) -> bool:
    return any(kind is each for each in types)  # a metaclass can make its class equal to one
