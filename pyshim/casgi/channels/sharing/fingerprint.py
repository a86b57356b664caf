"""What a proof is called in every process: so one can take what another's handler has sent.

A proved handler sends the same for equal messages as long as its facts hold. Facts are compared by
identity, which has no meaning in another process. So each is described by what is the same there:
plain values by themselves, functions by their code, what has a place in a module by that place.
The description of all of them, as a digest, is the fingerprint; equal ones mean the same handler on
the same values. A proof that relies on anything which cannot be described has none, nor has a
handler that is declared: what it may hang on is not known.
"""

import sys
from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from types import (
    BuiltinFunctionType,
    CellType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from casgi.channels.sharing.facts import is_class
from casgi.channels.sharing.proof import Proof

_SIZE = 16
_DEEPEST = 16
_PLAIN = (str, bytes, int, float, complex, bool, range, type(None), type(...))
_DESCRIPTORS = (
    *[ClassMethodDescriptorType, GetSetDescriptorType, MemberDescriptorType, MethodDescriptorType],
    WrapperDescriptorType,
)
_OF_CODE = (
    *["co_name", "co_qualname", "co_filename", "co_firstlineno", "co_code", "co_exceptiontable"],
    *["co_names", "co_varnames", "co_freevars", "co_cellvars", "co_consts", "co_flags"],
    *["co_argcount", "co_posonlyargcount", "co_kwonlyargcount"],
)

Description = tuple[Any, ...]


class _NotPortableError(Exception):
    """Something means nothing outside of this process."""


def fingerprint_of(proof: Proof, owner: type) -> bytes | None:
    """Return the fingerprint of a handler's proof for a class of consumers; None if it has none."""
    if proof.how != "proved":
        return None
    try:
        facts = sorted(repr(_fact(*fact)) for fact in proof.facts)
        handler = _describe((owner, proof.function, tuple(map(tuple, proof.attributes))))
    except _NotPortableError:
        return None
    # Of another version of Python, or of these rules, nothing is taken.
    whole = (sys.version, __file__, proof.is_sync, sorted(proof.compared), handler, facts)
    return blake2b(repr(whole).encode(errors="surrogatepass"), digest_size=_SIZE).digest()


def _fact(kind: int, holder: object, name: str, value: object) -> Description:
    return (kind, _describe(holder), name, _describe(value))


def _describe(value: Any, depth: int = 0) -> Description:
    """Return what is the same in another process. Raise _NotPortableError."""
    if depth > _DEEPEST:
        raise _NotPortableError
    kind, describe = type(value), partial(_describe, depth=depth + 1)
    if _is_one_of(kind, _PLAIN):
        return (kind.__name__, repr(value))
    if kind is tuple:
        return ("tuple", *map(describe, value))
    if kind is frozenset:
        return ("frozenset", *sorted(map(describe, value), key=repr))
    if kind is dict:
        return _dict(value, describe)
    if kind is CellType:
        return ("cell",)  # its content is a fact
    if kind is CodeType:
        return ("code", *(describe(getattr(value, name)) for name in _OF_CODE))
    return _named(value, describe)


def _named(value: Any, describe: Any) -> Description:
    """Describe what has a name, or is an object without one."""
    kind = type(value)
    if kind is FunctionType:
        return ("function", *_texts(value.__module__, value.__qualname__), describe(value.__code__))
    if is_class(value):
        attribute = type.__dict__
        names = [attribute[name].__get__(value) for name in ("__module__", "__qualname__")]
        return ("class", *_texts(*names))
    if kind is ModuleType:
        return ("module", *_texts(vars(value).get("__name__")))
    if kind is BuiltinFunctionType:
        return ("builtin", *_texts(value.__qualname__), describe(value.__self__))
    if _is_one_of(kind, _DESCRIPTORS):
        return ("descriptor", *_texts(value.__name__), describe(value.__objclass__))
    if kind is staticmethod or kind is classmethod:
        return (kind.__name__, describe(value.__func__))
    if kind is property:
        return ("property", *map(describe, (value.fget, value.fset, value.fdel)))
    return _instance(value, describe)


def _instance(value: Any, describe: Any) -> Description:
    """Describe an object by its class and attributes: of a plain type's subclass also by that."""
    kind = type(value)
    plain = tuple(base.__repr__(value) for base in (str, int, float) if issubclass(kind, base))
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        if not plain:
            raise _NotPortableError from None
        attributes = {}
    return ("instance", describe(kind), plain, _items(attributes, describe))


def _dict(names: dict[Any, Any], describe: Any) -> Description:
    """Describe a module's globals by its name, any other dict by what is in it."""
    name = names.get("__name__")
    module = sys.modules.get(name) if type(name) is str else None
    if type(module) is ModuleType and vars(module) is names:
        return ("module", name)
    return ("dict", _items(names, describe))


def _items(names: dict[Any, Any], describe: Any) -> list[Description]:
    return sorted(((describe(key), describe(each)) for key, each in names.items()), key=repr)


def _texts(*names: object) -> tuple[object, ...]:
    if not all(type(name) is str for name in names):
        raise _NotPortableError
    return names


def _is_one_of(kind: type, types: Iterable[type]) -> bool:
    return any(kind is each for each in types)  # a metaclass can make its class equal to one
