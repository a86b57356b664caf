"""An option is declared once in Python and once in C, and the two agree.

casgi.config has the field, server/server_options.h the core's line, base/limits.h the constant with
its reason: csrc/README.md says how to add one. Everything else is made from these.
"""

import ast
import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from casgi import _core
from casgi.cli import main
from casgi.config import Config
from casgi.options import Section

ROOT = Path(__file__).resolve().parents[2]
LIMITS = (ROOT / "csrc" / "base" / "limits.h").read_text()
# A comment, and the constants right below it.
LIMIT = re.compile(r"/\*((?:(?!\*/).)*)\*/\n((?:#define LIMIT_\w+ +[^\n]+\n)+)", re.DOTALL)
SPELLING = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
OPTIONS = [option for option in main.params if isinstance(option, click.Option)]


def spellings() -> set[str]:
    """Return every way to write an option."""
    found = {"-h", "--help"}
    for option in OPTIONS:
        if not option.hidden:
            found |= {*option.opts, *option.secondary_opts}
    return found


def test_page_is_as_declared() -> None:
    script = [sys.executable, "scripts/options_page.py", "--check"]
    checked = subprocess.run(script, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("page", ["docs/options.md", "docs/http.md", "docs/websocket.md"])
def test_pages_name_options_that_are_there(page: str) -> None:
    named = set(re.findall(r"`(--?[a-z][a-z-]*)[` ]", (ROOT / page).read_text()))
    assert len(named) > 5
    assert named <= spellings()


def limits() -> list[tuple[str, str]]:
    """Return each option that limits.h names, with its constant's value."""
    found = []
    for comment, definitions in LIMIT.findall(LIMITS):
        options = re.findall(r"--([a-z0-9-]+)", comment.partition(":")[0])
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
    assert names == {name[2:] for name in re.findall(r"--[a-z0-9-]+", LIMITS)}
    assert len(names) >= 7


@pytest.mark.parametrize(("name", "value"), limits())
def test_limit_that_names_an_option(name: str, value: str) -> None:
    assert f"--{name}" in spellings()
    assert getattr(Config(), name.replace("-", "_")) == number(value)


def options_of_the_core() -> dict[str, Any]:
    """Return the names of the core's table with their defaults."""
    source = (ROOT / "csrc" / "server" / "server_options.h").read_text()
    lines = re.findall(r"^    OPTION\((\w+), (\w+), (\S+)\)", source, re.MULTILINE)
    return {name: default(kind, value) for kind, name, value in lines}


def default(kind: str, value: str) -> Any:
    """Return what Config has for a default of the table."""
    constants = dict(re.findall(r"#define (LIMIT_\w+) +([^\n]+)", LIMITS))
    if kind == "policy":
        return value.removeprefix("SLOW_CONSUMER_").lower().replace("_", "-")
    if kind == "flag":
        return value == "true"
    return None if value == "OPTION_NEVER" else number(constants[value])


def test_core_has_the_settings_and_their_defaults() -> None:
    table = options_of_the_core()
    assert len(table) > 10
    settings = Config().core_options()
    assert {name: settings.get(name, "missing") for name in table} == table


def test_core_takes_every_setting() -> None:
    async def make() -> None:
        loop = asyncio.get_running_loop()
        _core.Server(None, loop, **Config().core_options()).close()  # type: ignore[arg-type]

    asyncio.run(make())


def test_help_has_sections() -> None:
    text = main.get_help(click.Context(main, **main.context_settings))
    assert [text.index(f"\n{section.value}:\n") for section in Section] == sorted(
        text.index(f"\n{section.value}:\n") for section in Section
    )
    assert "Options:" not in text
