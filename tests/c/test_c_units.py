"""Compiles and runs every tests/c/test_<layer>_<what>.c, linked with that layer of csrc/."""

from pathlib import Path

import pytest
from c_build import LAYERS, build_program, run_program

PROGRAMS = sorted(Path(__file__).parent.glob("test_*.c"))


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_program(source: Path) -> None:
    layer = source.stem.split("_")[1]
    assert layer in LAYERS, f"{source.name} names no layer of {sorted(LAYERS)}"
    run_program(build_program(source, layer))
