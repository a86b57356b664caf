"""casgi's command line against that of the daphne that is installed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from casgi.cli import main

# Prints what daphne's parser knows, in a process of its own: importing daphne installs a reactor.
DESCRIBE_DAPHNE = """
import json
import re
from daphne.cli import CommandLineInterface
actions = CommandLineInterface().parser._actions
print(json.dumps([[action.dest, action.option_strings, action.default] for action in actions]))
"""

# It is click's own.
NOT_OURS = {"help"}
# What is not given is an empty list or False for daphne, and click has its own words for it.
NOT_GIVEN = {"socket_strings", "proxy_headers", "proxy_headers_host", "proxy_headers_port"}
OTHER_DEFAULT = {*NOT_GIVEN, "server_name", "application"}


PAGE = Path(__file__).resolve().parents[2] / "docs" / "daphne-options.md"


@pytest.fixture(scope="module")
def daphne_options() -> list[tuple[str, list[str], object]]:
    command = [sys.executable, "-W", "ignore", "-c", DESCRIBE_DAPHNE]
    described = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return [option for option in json.loads(described) if option[0] not in NOT_OURS]


def parameter(spelling: str):
    spelling = "--" + spelling[2:].replace("_", "-") if spelling.startswith("--") else spelling
    return next((p for p in main.params if spelling in p.opts + p.secondary_opts), None)


def test_every_spelling_is_known(daphne_options):
    spellings = {spelling for _, spelled, _ in daphne_options for spelling in spelled}
    assert len(spellings) > 20
    assert {spelling for spelling in spellings if parameter(spelling) is None} == set()


def test_defaults_are_the_same(daphne_options):
    compared = {}
    for name, spelled, default in daphne_options:
        if name not in OTHER_DEFAULT:
            ours = parameter(spelled[-1]).default
            ours = float(ours) if isinstance(default, int) and ours is not None else ours
            # Unset is None for daphne, and a marker of its own in newer versions of click.
            compared[name] = (ours if default is not None else None, default)
    assert {name: pair for name, pair in compared.items() if pair[0] != pair[1]} == {}
    assert compared["ping_interval"] == (20, 20)


def test_page_has_every_option(daphne_options):
    first_cells = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line[:1] == "|"]
    named = {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}
    spellings = {spelling for _, spelled, _ in daphne_options for spelling in spelled}
    assert len(spellings) > 20
    assert spellings - named == set()
