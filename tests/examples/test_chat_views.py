"""Names of the chat's rooms, and the form to sign up, without a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

CHAT = Path(__file__).resolve().parents[2] / "examples" / "chat"
sys.path.insert(0, str(CHAT))
from rooms.names import ROOM_LENGTH, RoomNameConverter, group_name, room_name  # noqa: E402

sys.path.remove(str(CHAT))

SIGN_UP_TWICE = """
import django
django.setup()
from unittest import mock
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
password = "a long enough phrase"

def sign_up(name):
    fields = {"username": name, "password1": password, "password2": password}
    return Client().post("/accounts/signup/", fields, headers={"host": "localhost"})

assert sign_up("ada").status_code == 302
for name in ("ada", "ADA"):
    again = sign_up(name)
    assert again.status_code == 200, again.status_code
    assert b"already exists" in again.content
long = sign_up("x" * 31)
assert long.status_code == 200 and b"longer than 30 characters" in long.content
# Somebody takes the name between the form's look and the insertion.
nobody = mock.patch("django.contrib.auth.forms.UserCreationForm.clean_username",
                    lambda form: form.cleaned_data["username"])
unchecked = mock.patch("django.db.models.Model.validate_unique")
constraints = mock.patch("django.db.models.Model.validate_constraints")
with nobody, unchecked, constraints:
    raced = sign_up("ada")
assert raced.status_code == 200 and b"already exists" in raced.content
"""


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Tea Time!", "tea-time"),
        ("你好", "你好"),
        ("नमस्ते दुनिया", "नमस्ते-दुनिया"),
        ("  Ёлка  №5 ", "ёлка-no5"),
        ("İstanbul", "i\N{COMBINING DOT ABOVE}stanbul"),
        ("👩\N{ZERO WIDTH JOINER}🚀 crew", "👩\N{ZERO WIDTH JOINER}🚀-crew"),
        ("a/b?c#d%e", "a-b-c-d-e"),
        ("../../etc", "etc"),
        ("x" * 60, "x" * 40),
        ("!?", ""),
    ],
)
def test_room_of_words(words: str, name: str) -> None:
    assert room_name(words) == name


@given(st.text())
def test_name_is_the_name_of_itself(words: str) -> None:
    name = room_name(words)
    assert room_name(name) == name
    assert len(name) <= ROOM_LENGTH
    assert not any(
        unicodedata.category(character)[0] in "CZ"
        for character in name
        if character not in "\u200c\u200d"
    )
    if name:
        assert RoomNameConverter().to_python(name) == name


def test_groups_have_names_that_channels_takes() -> None:
    assert group_name("你好") != group_name("您好")
    for room in ("lobby", "你好" * 20):
        name = group_name(room)
        assert name.isascii()
        assert len(name) < 100


def test_signing_up_with_a_name_that_is_taken(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CHAT_", "CASGI_"))}
    environment |= {
        "CHAT_DATABASE": str(tmp_path / "chat.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "project.settings",
    }
    command = [sys.executable, "-c", SIGN_UP_TWICE]
    done = subprocess.run(
        command, cwd=CHAT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
