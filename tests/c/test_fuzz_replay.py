"""Runs the saved corpus of every fuzz target under the sanitizers: no crash comes back."""

import re
from pathlib import Path

import pytest
from c_build import LAYERS, ROOT, build_program, run_program

FUZZ = ROOT / "fuzz"
TARGETS = sorted(FUZZ.glob("fuzz_*.c"))


@pytest.mark.parametrize("source", TARGETS, ids=lambda path: path.stem)
def test_corpus(source: Path) -> None:
    layer = re.split(r"[0-9_]", source.stem)[1]
    assert layer in LAYERS, f"{source.name} names no layer of {sorted(LAYERS)}"
    inputs = sorted(path for path in (FUZZ / "corpus" / source.stem).iterdir() if path.is_file())
    assert inputs, f"no corpus for {source.stem}"
    program = build_program(source, layer, extra=(FUZZ / "replay_main.c",))
    run_program(program, *map(str, inputs))
