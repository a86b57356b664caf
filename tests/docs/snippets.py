"""The fenced blocks of the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
    *sorted((ROOT / "bench").glob("*.md")),
    *[ROOT / folder / "README.md" for folder in ("csrc", "fuzz")],
]
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """One block: the page from the root, the first line within it, the word after the fence."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(*languages: str) -> list[Snippet]:
    """Return the blocks in these languages, or all of them."""
    return [one for one in _all() if not languages or one.language in languages]


def of_page(page: str, language: str = "python") -> list[str]:
    """Return the texts of a page's blocks in a language."""
    return [one.text for one in snippets(language) if one.page == page]


def commands() -> list[tuple[Snippet, str]]:
    """Return every line to type: all of `sh` blocks, those behind a `$` of `console` blocks."""
    found = [(one, line) for one in snippets("sh") for line in one.text.splitlines() if line]
    for one in snippets("console"):
        found += [(one, line[2:]) for line in one.text.splitlines() if line.startswith("$ ")]
    return found


def _all() -> Iterator[Snippet]:
    for path in PAGES:
        text = path.read_text()
        for found in FENCE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            name = path.relative_to(ROOT).as_posix()
            yield Snippet(name, line, found[2], found[3])
