"""A layer of which any function was replaced stays what it is: whoever replaced it is called."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from types import FunctionType

import pytest
from channels_redis.core import RedisChannelLayer
from channels_redis.serializers import BaseMessageSerializer

from casgi.channels.adoption import KNOWN, adopt

# What hands layers out, and is called as it is.
NO_LAYERS = ("ChannelLayerManager",)


def functions() -> Iterator[tuple[type, str, str, str]]:
    """Yield each layer class with each function of any class in its file, and of its bases."""
    for known in KNOWN:
        module = importlib.import_module(known.module)
        kind = getattr(module, known.name)
        owners = [one for one in vars(module).values() if isinstance(one, type)]
        for owner in dict.fromkeys((*owners, *kind.__mro__)):
            is_of_file = owner.__module__ == module.__name__ or owner in kind.__mro__[:-1]
            if is_of_file and owner.__name__ not in NO_LAYERS:
                for name, value in vars(owner).items():
                    if isinstance(value, FunctionType | staticmethod | classmethod):
                        yield kind, owner.__module__, owner.__name__, name


@pytest.mark.parametrize(
    ("kind", "module", "owner", "name"),
    list(functions()),
    ids=lambda each: getattr(each, "__name__", each),
)
def test_layer_stays_what_it_is(
    kind: type, module: str, owner: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = kind()
    place = getattr(importlib.import_module(module), owner)
    monkeypatch.setattr(place, name, partial(getattr(place, name)))
    assert f"{module}.{owner}.{name} was replaced" in (adopt(layer) or "it was adopted")
    assert type(layer) is kind


@pytest.mark.parametrize("name", ["serialize", "deserialize"])
def test_layer_whose_serializers_were_changed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = getattr(BaseMessageSerializer, name)
    monkeypatch.setattr(method, "__code__", (lambda self, message: message).__code__)
    reason = adopt(RedisChannelLayer())
    assert reason is not None
    assert reason.startswith(
        f"channels_redis.serializers.BaseMessageSerializer.{name} was replaced"
    )
