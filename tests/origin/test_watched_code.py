"""Code that is relied on while it is what was read, and never again after that."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from casgi.origin import StandIn, Watch, WatchedCode, change_in


def watched(library: ModuleType, looks: list[str]) -> WatchedCode:
    def look() -> Watch | str:
        looks.append("look")
        return change_in(library.__name__, ["plain", "helper", "Layer.send"]) or Watch(
            [(library, "plain"), (library, "helper"), (library.Layer, "send")]
        )

    return WatchedCode(look)


def test_is_read_once(library: ModuleType) -> None:
    looks: list[str] = []
    code = watched(library, looks)
    assert code.facts() == () and looks == []
    assert code.change() is None and code.change() is None
    assert code.facts() != () and looks == ["look"]


def test_what_was_changed_before_is_not_read_again(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    code = watched(library, looks)
    with monkeypatch.context() as patch:
        patch.setattr(library, "helper", lambda: 1)
        reason = code.change()
        assert reason is not None and f"{library.__name__}.helper was replaced" in reason
    assert code.change() == reason and looks == ["look"]
    assert code.facts() == ()


@contextmanager
def replaced(library: ModuleType, patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as within:
        within.setattr(library, "plain", lambda text: text)
        yield


@contextmanager
def with_other_code(library: ModuleType, patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as within:
        within.setattr(library.plain, "__code__", (lambda text: text).__code__)
        yield


@pytest.mark.parametrize(
    ("way", "what"),
    [(replaced, "replaced"), (with_other_code, "changed")],
    ids=["replaced", "with other code"],
)
def test_what_was_changed_once_is_never_trusted_again(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch, way: Any, what: str
) -> None:
    code = watched(library, [])
    assert code.change() is None
    with way(library, monkeypatch):
        assert code.change() == f"{library.__name__}.plain was {what}"
    assert code.change() == f"{library.__name__}.plain was {what}"


def test_a_change_that_nobody_saw_is_none(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = watched(library, [])
    assert code.change() is None
    with replaced(library, monkeypatch):
        pass
    assert code.change() is None


def test_our_own_stand_ins_come_and_go(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = watched(library, [])
    assert code.change() is None
    before = code.facts()
    stand_in = StandIn(library.Layer, "send", lambda self, message: message)
    stand_in.install()
    assert code.change() is None
    assert code.facts() != before
    stand_in.remove()
    assert code.change() is None
    with replaced(library, monkeypatch):
        assert code.change() == f"{library.__name__}.plain was replaced"
