"""The field's terms, and none that are ours where there is one; no program is a he or a she."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORDS = re.compile(
    r"\b(he|she|his|him|himself|herself|lanes?|recipes?|obstacles?|settles?|settled)\b",
    re.IGNORECASE,
)
FILES = [
    *[*(ROOT / "csrc").rglob("*.[ch]"), *(ROOT / "pyshim").rglob("*.py")],
    *[*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "csrc" / "README.md"],
]


def test_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word.group()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for word in WORDS.finditer(line)
    ]
    assert len(FILES) > 300
    assert found == []
