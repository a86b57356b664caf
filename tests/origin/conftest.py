"""The library under test, a module of its own for each test."""

import importlib
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

_TEXT = (Path(__file__).parent / "library.py").read_text()
_numbers = count()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    name = f"library_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(_TEXT)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield importlib.import_module(name)
    sys.modules.pop(name, None)
