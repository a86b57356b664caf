"""Nothing stands in csrc/ and pyshim/ that nobody uses, found by name.

In csrc/, in its text without comments: a function that other files may call is called by one, or by
its own and by a test in C of its unit; else it could be static. A macro, and an inline function of
a header, is used somewhere. In pyshim/: what a module defines is read somewhere. What only a test
uses is not used.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
TESTS = ROOT / "tests" / "c"
PYSHIM = ROOT / "pyshim"
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
IMPORTED_BY_CORE = re.compile(r'IMPORT\(\w+, "casgi[\w.]*", "(\w+)"\)')
WORD = re.compile(r"\b[A-Za-z_]\w*\b")
PROTOTYPE = re.compile(r"^(?!static|typedef)[A-Za-z_][\w \t*]*?[ *](\w+)\([^;{}]*\);", re.MULTILINE)
DEFINITION = re.compile(r"^(?!static)[A-Za-z_][\w \t*]*?[ *](\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
INLINE = re.compile(r"^static inline [\w \t*]*?[ *](\w+)\(", re.MULTILINE)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)

# Called by tests, and compiled for them only (CASGI_TEST_ALLOCATIONS).
FOR_TESTS = {"memory_set_failure", "memory_failure_is_left"}
# Read by the headers of libraries.
FOR_LIBRARIES = {"PY_SSIZE_T_CLEAN", "ZLIB_CONST"}
# Found by Django; in daphne's place for the tests of projects.
FOR_PROJECTS = {"CasgiConfig", "DaphneProcess"}


@cache
def texts() -> dict[Path, str]:
    """Return the text of each file of csrc/, without comments."""
    return {path: COMMENT.sub(" ", path.read_text()) for path in sorted(CSRC.rglob("*.[ch]"))}


@cache
def words() -> dict[Path, Counter[str]]:
    """Return how often each word stands in each file."""
    return {path: Counter(WORD.findall(text)) for path, text in texts().items()}


@cache
def words_of_tests() -> set[str]:
    """Return the words of the tests in C."""
    return {word for path in TESTS.glob("*.[ch]") for word in WORD.findall(path.read_text())}


@cache
def defined() -> dict[Path, set[str]]:
    """Return the functions for others that have their bodies in each file."""
    return {path: set(DEFINITION.findall(text)) for path, text in texts().items()}


def is_used(name: str, header: Path) -> bool:
    """Return whether a function that a header declares is called as it says above."""
    if words()[header][name] > 1:
        return True
    users = [path for path, counts in words().items() if counts[name] > 0 and path != header]
    own = [path for path in users if name in defined()[path]]
    is_called_at_home = any(words()[path][name] > 1 for path in own)
    return len(own) < len(users) or (is_called_at_home and name in words_of_tests())


def test_functions_for_others_are_called_by_others() -> None:
    unused = [
        f"{path.relative_to(CSRC)}: {name}"
        for path, text in texts().items()
        if path.suffix == ".h"
        for name in PROTOTYPE.findall(text)
        if name not in FOR_TESTS and not is_used(name, path)
    ]
    assert unused == []


def test_inline_functions_and_macros_are_used() -> None:
    total: Counter[str] = Counter()
    for counts in words().values():
        total.update(counts)
    unused = [
        f"{path.relative_to(CSRC)}: {name}"
        for path, text in texts().items()
        for name in [*INLINE.findall(text), *MACRO.findall(text)]
        if total[name] == 1 and name not in FOR_LIBRARIES
    ]
    assert unused == []


def test_there_is_something_to_look_at() -> None:
    prototypes = [name for text in texts().values() for name in PROTOTYPE.findall(text)]
    assert "groups_visit" in prototypes and "exchange_answer" in prototypes
    assert len(prototypes) > 500


def names_read(tree: ast.AST) -> Iterator[str]:
    """Yield what is read in a module, names in texts such as `__all__` included."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()):
                yield name
            case ast.alias(name=name):
                yield name.rpartition(".")[2]
            case ast.Constant(value=str(text)):
                yield from WORD.findall(text) if " " not in text else ()


def names_defined(tree: ast.Module) -> Iterator[str]:
    """Yield what a module defines; a decorator may use what it decorates."""
    for node in tree.body:
        match node:
            case (
                ast.FunctionDef(name=name, decorator_list=[])
                | ast.AsyncFunctionDef(name=name, decorator_list=[])
                | ast.ClassDef(name=name, decorator_list=[])
                | ast.AnnAssign(target=ast.Name(id=name))
            ):
                yield name
            case ast.Assign(targets=targets):
                yield from (each.id for each in targets if isinstance(each, ast.Name))


def test_what_modules_define_is_read() -> None:
    trees = {path: ast.parse(path.read_text()) for path in sorted(PYSHIM.rglob("*.py"))}
    read = {name for tree in trees.values() for name in names_read(tree)}
    read.update(IMPORTED_BY_CORE.findall((CSRC / "state.h").read_text()))
    unused = [
        f"{path.relative_to(PYSHIM)}: {name}"
        for path, tree in trees.items()
        for name in names_defined(tree)
        if name not in read | FOR_PROJECTS and not name.startswith("__")
    ]
    assert len(trees) > 100
    assert unused == []
