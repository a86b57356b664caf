"""What the pages name is there, and what they must name they do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TOUR = ROOT / "csrc" / "README.md"
PAGES = [
    *[TOUR, *sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))],
    *[*sorted((ROOT / "bench").glob("*.md")), ROOT / "fuzz" / "README.md"],
    *sorted((ROOT / "examples").glob("*/README.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"(?<![\w.])[\w./-]*\w\.(?:c|h|py|pyi|sh|md)(?!\w)")
FUNCTION = re.compile(r"\b(\w+)\(\)")
# Headers of libraries, and what every Django project has.
ELSEWHERE = {"Python.h", "llhttp.h", "uv.h", "manage.py"}


def names(pages: list[Path]) -> list[str]:
    return [page.relative_to(ROOT).as_posix() for page in pages]


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def code(page: Path) -> Iterator[str]:
    """Yield what stands in backticks within the text."""
    yield from CODE.findall(FENCE.sub("", page.read_text()))


def has_file(name: str, page: Path) -> bool:
    """Whether a page's name of a file means one: from the root, csrc/, its own folder, or alone."""
    folders = [ROOT, ROOT / "csrc", page.parent, ROOT / "pyshim" / "casgi", ROOT / "tests"]
    if any((folder / name).exists() for folder in folders):
        return True
    searched = (ROOT / "csrc", ROOT / "pyshim", ROOT / "tests", ROOT / "scripts")
    return "/" not in name and any(next(folder.rglob(name), None) for folder in searched)


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in ("".join(found) for found in LINK.findall(FENCE.sub("", page.read_text()))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_files_that_are_named_are_there(page: Path) -> None:
    named = {name for text in code(page) for name in FILE_NAME.findall(text)}
    assert {name for name in named - ELSEWHERE if not has_file(name, page)} == set()


def test_functions_of_the_tour_are_there() -> None:
    files = [*ROOT.glob("csrc/**/*.[ch]"), *ROOT.glob("pyshim/**/*.py")]
    words = set(re.findall(r"\w+", " ".join(path.read_text() for path in files)))
    named = {name for text in code(TOUR) for name in FUNCTION.findall(text)}
    assert len(named) > 50
    # asyncio's, and the placeholder of the naming rule.
    assert named - words == {"current_task", "x_close"}


def test_every_c_folder_is_in_the_tour() -> None:
    folders = {path.name for path in (ROOT / "csrc").iterdir() if path.is_dir()}
    assert {name for name in folders if f"{name}/" not in TOUR.read_text()} == set()


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_make_targets_are_there(page: Path) -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)[^\w\s]", page.read_text())) - made == set()


def test_readme_says_what_the_makefile_does() -> None:
    named = set(re.findall(r"^make ([a-z-]+)$", README.read_text(), re.MULTILINE))
    assert named == {"chat", "test"}
