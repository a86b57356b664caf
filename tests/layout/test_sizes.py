"""Files, functions and the README stay short enough to be read at once."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES_OF_C = 450
MOST_LINES_OF_PYTHON = 350
MOST_LINES_OF_A_FUNCTION = 60
# Two screens.
MOST_LINES_OF_README = 120
# In the project's style each definition begins and ends in the first column, and nothing else does.
SIGNATURE = re.compile(r"^[A-Za-z_][^;={]*\([^;{]*\)\s*\{$", re.MULTILINE)


def too_long(pattern: str, most: int) -> list[str]:
    """Return the files that have more lines than they may."""
    counts = {path: len(path.read_text().splitlines()) for path in ROOT.glob(pattern)}
    assert counts, pattern
    return [f"{path.relative_to(ROOT)}: {count}" for path, count in counts.items() if count > most]


def functions_of(text: str) -> Iterator[tuple[str, int]]:
    """Yield each function of a C file, and how many lines it has, its signature included."""
    for found in SIGNATURE.finditer(text):
        end = text.index("\n}", found.end()) + 2
        yield found.group(), text.count("\n", found.start(), end) + 1


def test_files_of_c() -> None:
    assert too_long("csrc/**/*.c", MOST_LINES_OF_C) == []


def test_files_of_python() -> None:
    assert too_long("pyshim/**/*.py", MOST_LINES_OF_PYTHON) == []


def test_functions_of_c() -> None:
    found = [
        (f"{path.relative_to(ROOT)}: {signature}", lines)
        for path in ROOT.glob("csrc/**/*.c")
        for signature, lines in functions_of(path.read_text())
    ]
    assert len(found) > 1000
    assert [each for each in found if each[1] > MOST_LINES_OF_A_FUNCTION] == []


def test_functions_are_measured() -> None:
    body = "    x();\n" * 60
    text = f"static int one(int a) {{\n}}\n\nint *two(int a,\n         int b) {{\n{body}}}\n"
    assert [lines for _, lines in functions_of(text)] == [2, 63]


def test_readme_is_two_screens() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= MOST_LINES_OF_README
    assert text.count(".svg)") == 1, "one chart"


def test_figures_of_the_readme_read_as_times_less() -> None:
    text = " ".join((ROOT / "README.md").read_text().split())
    chart = re.search(r"!\[([^\]]*)\]\(docs/images/figures\.svg\)", text)
    assert chart is not None
    for figure in chart.group(1).split(";"):
        assert re.search(r"(CPU|memory) [\d.]+ times less than daphne", figure), figure
    assert not re.search(r"\b0\.0\d", text), "a ratio that nobody reads at once"
