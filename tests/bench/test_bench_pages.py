"""The commands of `python -m bench` that pages name are there, with their options and servers."""

import re
import shlex
from pathlib import Path

import pytest
from bench import command, hub
from bench.errors import BenchError
from bench.scenarios import SCENARIOS
from bench.servers import SERVERS, select

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")]
SPAN = re.compile(r"`([^`]+)`")
FIGURES = re.compile(r"<!-- figures: (.*?) -->", re.DOTALL)
CALL = "python -m bench "
# What is no command, but stands for one.
NOT_MEANT = {"COMMAND"}
NAMES = {scenario.name for scenario in SCENARIOS}


def commands() -> list[str]:
    """Return what follows `python -m bench` on all pages, and where RESULTS.md leaves that out."""
    found = set()
    for page in PAGES:
        text = page.read_text()
        spans = [" ".join(span.split()) for span in SPAN.findall(text)]
        found |= {span.removeprefix(CALL) for span in spans if span.startswith(CALL)}
        for comment in FIGURES.findall(text):
            spans = [" ".join(span.split()) for span in SPAN.findall(comment)]
            found |= {span.removeprefix(CALL) for span in spans}
    return sorted(found - NOT_MEANT)


def test_pages_name_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("line", commands())
def test_command_is_there_with_its_options(line: str) -> None:
    arguments = shlex.split(line)
    if arguments == ["hub"]:
        assert callable(hub.main)
        return
    options = command._parser().parse_args(arguments)
    assert options.scenario.from_options(options)
    servers = select(options.servers)
    assert options.reference in {server.name for server in servers}


def test_unknown_servers_are_refused() -> None:
    with pytest.raises(BenchError):
        select("carrier-pigeon")


def test_tables_of_results_are_of_commands_and_servers() -> None:
    text = (ROOT / "bench" / "RESULTS.md").read_text()
    tables = re.findall(r"^([a-z0-9-]+): .*\nserver .*\n((?:.+\n)+?)(?=\n|```)", text, re.MULTILINE)
    assert tables
    names = {server.name for server in SERVERS} | {"floor"}
    for title, rows in tables:
        assert title in NAMES
        measured = [row.split()[0] for row in rows.splitlines() if re.match(r"[a-z0-9-]+ +\S", row)]
        assert measured
        assert set(measured) <= names, title


def test_every_command_has_its_row_in_the_readme_of_bench() -> None:
    text = (ROOT / "bench" / "README.md").read_text()
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)) == NAMES
