"""Trees are made while the collector rests: on older Pythons its finalizers spoil them."""

import ast
import gc
from typing import Any

import pytest

from casgi.origin import tree
from casgi.origin.tree import code_of_tree, tree_of


def test_collector_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    enabled: list[bool] = []

    def compiling(*arguments: Any, **options: Any) -> Any:
        enabled.append(gc.isenabled())
        return compile(*arguments, **options)

    monkeypatch.setattr(ast, "parse", lambda *given: compiling(*given, "exec", ast.PyCF_ONLY_AST))
    monkeypatch.setattr(tree, "compile", compiling, raising=False)
    names: dict[str, int] = {}
    exec(code_of_tree(tree_of("x = 1", "x.py"), "x.py"), names)
    assert names["x"] == 1
    assert enabled == [False, False]
    assert gc.isenabled()


def test_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        tree_of("x = 1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_collector_goes_on_after_an_error() -> None:
    with pytest.raises(SyntaxError):
        tree_of("x = = 1")
    assert gc.isenabled()
