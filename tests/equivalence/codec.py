"""Cases as JSON: each dataclass is an object whose "is" names its class."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from equivalence import program

KINDS = {kind.__name__: kind for kind in vars(program).values() if dataclasses.is_dataclass(kind)}


def to_json(value: Any) -> str:
    return json.dumps(plain(value), indent=1)


def from_json(text: str) -> Any:
    return rebuilt(json.loads(text))


def plain(value: Any) -> Any:
    """Return a dataclass as dicts and lists, without the fields that have their default."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    given = {
        each.name: plain(getattr(value, each.name))
        for each in dataclasses.fields(value)
        if getattr(value, each.name) != each.default
    }
    return {"is": type(value).__name__, **given}


def rebuilt(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(rebuilt(item) for item in value)
    if not isinstance(value, dict):
        return value
    given = {name: rebuilt(item) for name, item in value.items()}
    kind = given.pop("is", None)
    return given if kind is None else KINDS[kind](**given)
