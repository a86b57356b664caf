"""Writes the tables of docs/options.md from the command's declarations.

`python scripts/options_page.py` writes, with `--check` it only says whether the page is as it would
be written. What stands outside of the two marks is written by hand.
"""

import sys
from pathlib import Path

import click

from casgi.cli import main
from casgi.command import variable_of
from casgi.command_options import section_of
from casgi.options import Section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "options.md"
BEGIN = "<!-- made by scripts/options_page.py -->\n"
END = "<!-- end -->\n"
LONGEST_DEFAULT = 20
HEAD = "| option | variable | default | meaning |\n|---|---|---|---|\n"


def tables() -> str:
    """Return a heading and a table for each section of `--help`."""
    context = click.Context(main, **main.context_settings)
    parts = []
    for section in Section:
        options = [p for p in main.get_params(context) if section_of(p) is section]
        rows = [row(p) for p in options if isinstance(p, click.Option) and not p.hidden]
        head = f"\n## {section.value}\n\n{HEAD}"
        parts.append(head + "".join(rows))
    return "".join(parts) + "\n"


def row(option: click.Option) -> str:
    """Return an option's line of its table."""
    spellings = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    meaning = (option.help or "").partition(" [default:")[0].rstrip(".").replace("|", "\\|")
    variable = f"`{name}`" if (name := variable_of(option)) else ""
    return f"| {spellings} | {variable} | {default(option)} | {meaning} |\n"


def default(option: click.Option) -> str:
    """Return what holds without the option."""
    if option.show_default == "never":
        return "never"
    if option.help and " [default: " in option.help:
        return option.help.partition(" [default: ")[2].rstrip("]")
    if option.is_flag:
        return "on" if option.default is True else "off" if option.expose_value else ""
    # Without one click has None, or in newer versions an object that says so.
    text = str(option.default) if isinstance(option.default, str | int) else ""
    if len(text) > LONGEST_DEFAULT:
        return "daphne's"
    return f"`{text}`" if text else ""


def page() -> str:
    """Return the page with new tables."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + tables() + END + rest.partition(END)[2]


if __name__ == "__main__":
    wanted = page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text() != wanted:
            sys.exit("docs/options.md is not as declared: run python scripts/options_page.py")
    else:
        PAGE.write_text(wanted)
