"""Attributes of an object that hide methods of its class: somebody wants to be called instead."""

from types import FunctionType


def hidden_name(value: object) -> str | None:
    """Return an attribute of an object that hides a method of its class; None: there is none."""
    names = vars(value)
    for owner in type(value).__mro__:
        for name in names:
            if isinstance(vars(owner).get(name), FunctionType):
                return name
    return None


def method_names(kind: type) -> list[str]:
    """Return the names of the methods that objects of a class have."""
    owners = type.__dict__["__mro__"].__get__(kind)
    found = {
        name
        for owner in owners
        for name, value in vars(owner).items()
        if type(value) is FunctionType
    }
    return sorted(found)
