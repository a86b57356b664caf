"""Modules of consumers, written and imported for one test."""

import importlib
import sys
import textwrap
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest
from members import HEADER, Load

_numbers = count()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import text as a module; what Channels offers is imported in it already."""
    monkeypatch.syspath_prepend(tmp_path)
    names = []

    def load_module(text: str) -> ModuleType:
        name = f"module_of_consumers_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(HEADER + textwrap.dedent(text))
        importlib.invalidate_caches()
        names.append(name)
        return importlib.import_module(name)

    yield load_module
    for name in names:
        sys.modules.pop(name, None)
