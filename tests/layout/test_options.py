"""An option is the same in all the places where it is written down.

README, command line, Config, the stub and the C code of the core, and base/limits.h: csrc/README.md
says how to add one.
"""

import ast
import re
from pathlib import Path
from typing import Any

import click
import pytest

from casgi.cli import main
from casgi.config import Config

ROOT = Path(__file__).resolve().parents[2]
LIMITS = (ROOT / "csrc" / "base" / "limits.h").read_text()
# A comment, and the constants right below it.
LIMIT = re.compile(r"/\*((?:(?!\*/).)*)\*/\n((?:#define LIMIT_\w+ +[^\n]+\n)+)", re.DOTALL)
SPELLING = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
OPTIONS = [option for option in main.params if isinstance(option, click.Option)]
# What the command has beside its settings, and what starting makes.
MADE_BY_STARTING = {"application", "loop", "state", "access_log_fd"}


def spellings() -> set[str]:
    """Return every way to write an option."""
    found = {"-h", "--help"}
    for option in OPTIONS:
        if not option.hidden:
            found |= {*option.opts, *option.secondary_opts}
    return found


def rows() -> dict[str, list[str]]:
    """Return the cells of the README's table of options, by each spelling in the first one."""
    section = (ROOT / "README.md").read_text().partition("\n## Options\n")[2].partition("\n## ")[0]
    table: dict[str, list[str]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for spelling in SPELLING.findall(cells[0]) if line.startswith("| `") else []:
            table[spelling] = cells
    return table


def test_readme_has_every_option() -> None:
    assert set(rows()) == spellings()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_readme_has_the_default(option: click.Option) -> None:
    if option.hidden or option.name == "version":
        return
    written = rows()[option.opts[-1]][1]
    default = main.make_context("casgi", ["x:y"], ignore_unknown_options=True).params
    value = default.get(str(option.name))
    if option.opts[-1].endswith(("-timeout", "-interval")):
        assert written == ("never" if value is None else f"{value:g}")
    elif isinstance(value, int) and not isinstance(value, bool):
        assert written == str(value)
    else:
        assert written or not value


@pytest.mark.parametrize("page", ["README.md", "docs/http.md", "docs/websocket.md"])
def test_pages_name_options_that_are_there(page: str) -> None:
    named = set(re.findall(r"`(--?[a-z][a-z-]*)[` ]", (ROOT / page).read_text()))
    assert len(named) > 5
    assert named <= spellings()


def limits() -> list[tuple[str, str]]:
    """Return each option that limits.h names, with its constant's value."""
    found = []
    for comment, definitions in LIMIT.findall(LIMITS):
        options = re.findall(r"--([a-z-]+)", comment.partition(":")[0])
        values = re.findall(r"#define LIMIT_\w+ +([^\n]+)", definitions)
        if options:
            found += list(zip(options, values, strict=True))
    return found


def number(expression: str) -> Any:
    """Return the value of a C constant: numbers and products of them."""
    node = ast.parse(expression, mode="eval").body
    factors = [node.left, node.right] if isinstance(node, ast.BinOp) else [node]
    product = 1
    for factor in factors:
        product *= number(ast.unparse(factor)) if isinstance(factor, ast.BinOp) else factor.value
    return product


def test_limits_are_read() -> None:
    names = {name for name, _ in limits()}
    assert names == {name[2:] for name in re.findall(r"--[a-z-]+", LIMITS)}
    assert len(names) >= 7


@pytest.mark.parametrize(("name", "value"), limits())
def test_limit_that_names_an_option(name: str, value: str) -> None:
    assert f"--{name}" in spellings()
    assert getattr(Config(), name.replace("-", "_")) == number(value)


def keywords_of_the_core() -> set[str]:
    source = (ROOT / "csrc" / "bindings" / "server_arguments.c").read_text()
    listed = re.search(r"static char \*names\[\] = \{(.*?)NULL\}", source, re.DOTALL)
    assert listed is not None
    return set(re.findall(r'"(\w+)"', listed[1]))


def stub() -> dict[str, Any]:
    """Return the keywords of _core.Server in the stub, with their defaults."""
    tree = ast.parse((ROOT / "pyshim" / "casgi" / "_core.pyi").read_text())
    server = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Server")
    made = next(n for n in server.body if isinstance(n, ast.FunctionDef))
    assert made.name == "__init__"
    defaults = [d and ast.literal_eval(d) for d in made.args.kw_defaults]
    keywords = {a.arg: d for a, d in zip(made.args.kwonlyargs, defaults, strict=True)}
    return keywords | {a.arg: None for a in made.args.args if a.arg != "self"}


def test_core_takes_every_setting() -> None:
    wanted = set(Config().core_options()) | MADE_BY_STARTING
    assert keywords_of_the_core() == wanted
    assert set(stub()) == wanted


def test_stub_has_the_defaults() -> None:
    settings = Config().core_options()
    assert {name: stub()[name] for name in settings} == settings


def test_command_has_every_setting() -> None:
    from dataclasses import fields

    named = {option.name for option in OPTIONS}
    assert {field.name for field in fields(Config)} - named == set()
