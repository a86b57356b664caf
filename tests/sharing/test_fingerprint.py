"""The fingerprint of a handler: equal in processes in which it sends the same, and in no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = """
import enum, html, json, os
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from casgi.channels import shared

GREETING = "hello"

class Mark(str, enum.Enum):
    GOOD = "+"
    BAD = "-"

def decorated(text, end="!"):
    return html.escape(text) + end

class Chat(AsyncJsonWebsocketConsumer):
    sign = "~"

    async def said(self, event):
        text = decorated(event["text"])
        if event.get("mark") in ("a", 1.5, None, b"b"):
            text = text + str(Mark.GOOD.value)
        await self.send(text_data=json.dumps({"text": GREETING + text, "sign": self.sign}))
        await self.send_json({"other": text}, close=False)
"""
PROGRAM = """
import django
from django.conf import settings
settings.configure(SECRET_KEY="x")
django.setup()
import room
from casgi.channels.sharing import plan_of
shared = plan_of(room.Chat).run({"type": "said", "text": "a", "mark": "b"})
print("no run" if shared is None else shared.fingerprint and shared.fingerprint.hex())
"""


def fingerprint(folder: Path, text: str = TEXT, seed: int = 0, before: str = "") -> str:
    """Return what a new process prints."""
    (folder / "room.py").write_text(text)
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed), "OWN": str(seed)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-c", before + PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the module: files in another have another fingerprint."""
    return tmp_path_factory.mktemp("fingerprint")


@pytest.fixture(scope="module")
def known(folder: Path) -> str:
    """The fingerprint of the text as it is."""
    found = fingerprint(folder)
    assert len(found) == 32
    return found


def test_is_the_same_in_every_process(folder: Path, known: str) -> None:
    assert {fingerprint(folder, seed=seed) for seed in (1, 2, 3)} == {known}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('GREETING = "hello"', 'GREETING = "hallo"'),
        ('sign = "~"', 'sign = "-"'),
        ('end="!"', 'end="?"'),
        ('GOOD = "+"', 'GOOD = "++"'),
        ("html.escape(text) + end", "html.escape(text, quote=False) + end"),
        ('json.dumps({"text"', 'json.dumps({"txt"'),
        ('"other": text', '"other": text * 2'),
        ("1.5", "2.5"),
        ('b"b"', 'b"c"'),
        ("def decorated(", "\ndef decorated("),
    ],
)
def test_is_another_for_another_program(folder: Path, known: str, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    found = fingerprint(folder, TEXT.replace(old, new))
    assert len(found) == 32
    assert found != known


def test_is_another_for_what_a_process_has_for_itself(folder: Path) -> None:
    text = TEXT.replace('GREETING = "hello"', 'GREETING = os.environ["OWN"]')
    assert len({fingerprint(folder, text, seed=seed) for seed in (1, 2)}) == 2


def test_is_another_where_a_library_was_changed(folder: Path, known: str) -> None:
    change = "import json; json.JSONEncoder.item_separator = ' , '\n"
    assert fingerprint(folder, before=change) != known


def test_a_declared_handler_has_none(folder: Path) -> None:
    text = TEXT.replace("    async def said", "    @shared\n    async def said")
    assert fingerprint(folder, text) == "None"


def test_a_handler_that_runs_for_each_consumer_has_none(folder: Path) -> None:
    text = TEXT.replace('"sign": self.sign', '"sign": self.scope["path"]')
    assert fingerprint(folder, text) == "no run"
