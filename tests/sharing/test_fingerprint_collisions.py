"""Two processes in which a handler sends different things never have one fingerprint for it.

Each case is a module that is another one in the second process: equal in all its parts, which have
exchanged their roles, or with an interpreter that bears something else.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAD = """
import enum, json, os, sys, types
from channels.generic.websocket import AsyncWebsocketConsumer

IS_FIRST = os.environ["OWN"] == "first"

def exchanged(a, b):
    return (a, b) if IS_FIRST else (b, a)

def loaded(name, **constants):
    module = sys.modules[name] = types.ModuleType(name)
    module.__file__ = os.path.join(os.path.dirname(__file__), "helper.py")
    with open(module.__file__) as file:
        exec(compile(file.read(), module.__file__, "exec"), vars(module))
    vars(module).update(constants)
    return module

def renamed(function, name):
    function.__module__, function.__qualname__, function.__name__ = "somewhere", name, name
    return function
"""
HELPER = """
def helper(text):
    return text + WORD
"""
CONSUMER = """
class Chat(AsyncWebsocketConsumer):
    async def said(self, event):
        await self.send(text_data={})
"""
PROGRAM = """
import importlib, sys
import django
from django.conf import settings
settings.configure(SECRET_KEY="x")
django.setup()
from casgi.channels.sharing import plan_of

message = {"type": "said", "text": "a", "data": b"a", "deep": [], "yes": True}
for _ in range(200):
    message["deep"] = [message["deep"]]

def run(plan):
    shared = plan.run(dict(message))
    known = plan._findings["said"].portable()
    if known is not None:
        assert plan.attributes_for(known) is not None
    return known, shared and [one.payloads for one in shared.outcomes]

def found(name):
    room = importlib.import_module(name)
    plan = plan_of(room.Chat)
    last = run(plan)
    if hasattr(room, "change"):
        room.change()
        before, last = last[0], run(plan)
        assert before is not None and plan.attributes_for(before) is None
    return last

for name in sys.argv[1:]:
    sys.set_int_max_str_digits(4300)
    sys.setrecursionlimit(1000)
    print(found(name))
"""
EXCHANGED = {
    "classes of one name": (
        """
def make(value):
    class Words:
        WORD = value
    return Words

FIRST, SECOND = exchanged(make("x"), make("y"))
""",
        "FIRST.WORD + SECOND.WORD",
    ),
    "bases of one name": (
        """
def make(value):
    class Base:
        WORD = value
    return Base

class First(make("x" if IS_FIRST else "y")):
    pass

class Second(make("y" if IS_FIRST else "x")):
    pass
""",
        "First.WORD + Second.WORD",
    ),
    "enums of one name": (
        """
def make(value):
    class Words(enum.Enum):
        WORD = value
    return Words

FIRST, SECOND = exchanged(make("x"), make("y"))
""",
        "FIRST.WORD.value + SECOND.WORD.value",
    ),
    "functions with default arguments": (
        """
def make(value):
    def add(text, word=value):
        return text + word
    return add

first, second = exchanged(make("x"), make("y"))
""",
        'first("") + second("")',
    ),
    "functions with defaults by keyword": (
        """
def make(value):
    def add(text, *, word=value):
        return text + word
    return add

first, second = exchanged(make("x"), make("y"))
""",
        'first("") + second("")',
    ),
    "static methods": (
        """
def make(value):
    class Words:
        @staticmethod
        def add(text, word=value):
            return text + word
    return Words

FIRST, SECOND = exchanged(make("x"), make("y"))
""",
        'FIRST.add("") + SECOND.add("")',
    ),
    "modules of one name": (
        """
first, second = types.ModuleType("words"), types.ModuleType("words")
first.WORD, second.WORD = "x", "y"
first, second = exchanged(first, second)
""",
        "first.WORD + second.WORD",
    ),
    "functions of modules": (
        """
one, other = exchanged(loaded("one", WORD="x"), loaded("other", WORD="y"))
first, second = renamed(one.helper, "first"), renamed(other.helper, "second")
""",
        'first("") + second("")',
    ),
    "functions of dicts": (
        """
helper = loaded("one", WORD="x").helper

def of(name, word):
    names = {"WORD": word, "__name__": "n", "__builtins__": __builtins__}
    return renamed(types.FunctionType(helper.__code__, names), name)

words = exchanged("x", "y")
first, second = of("first", words[0]), of("second", words[1])
""",
        'first("") + second("")',
    ),
    "functions with builtins": (
        """
helper = loaded("one").helper

def of(name, word):
    names = {"__name__": "n", "__builtins__": {"WORD": word}}
    return renamed(types.FunctionType(helper.__code__, names), name)

words = exchanged("x", "y")
first, second = of("first", words[0]), of("second", words[1])
""",
        'first("") + second("")',
    ),
}
LIMITED = {
    "digits": (
        "sys.set_int_max_str_digits(4300 if IS_FIRST else 0)",
        "str(10 ** 5000)",
    ),
    "digits that are read": (
        "sys.set_int_max_str_digits(4300 if IS_FIRST else 0)",
        'str(int("1" * 5000) % 7)',
    ),
    "digits, later on": (
        "def change():\n    sys.set_int_max_str_digits(4300 if IS_FIRST else 0)\n"
        "sys.set_int_max_str_digits(5000)",
        "str(10 ** 4500)",
    ),
}
if sys.version_info < (3, 12):  # C code, which is all that they call, asks for no limit since then
    LIMITED |= {
        "recursion": (
            "sys.setrecursionlimit(150 if IS_FIRST else 1000)",
            'json.dumps(event["deep"])',
        ),
        "recursion, later on": (
            "def change():\n    sys.setrecursionlimit(150 if IS_FIRST else 1500)\n",
            'json.dumps(event["deep"])',
        ),
    }


OTHERS = {
    "a warning": ("", 'str(~event["yes"])'),
    "a large number": ("LARGE = 10 ** 5000", "str(LARGE % 7)"),
    "a member of many parts": (
        """
parts = ()
for _ in range(6):
    parts = (parts,) * 50

class Words(enum.Enum):
    WORD = "x"
    PARTS = {"parts": parts}  # which nobody asks for a hash
""",
        "Words.WORD.value",
    ),
    "a class without a module": (
        """Words = eval("type('Words', (), {'WORD': 'x'})", {"type": type})""",
        "Words.WORD",
    ),
    "a name that is no plain text": (
        """
class Name(str):
    def __repr__(self):
        raise ValueError

def add(text, *, word):
    return text + word

add.__kwdefaults__ = {Name("word"): "x"}
""",
        'add("")',
    ),
}
BYTES = {"bytes": ("", 'str(event["data"])')}
CASES = {**EXCHANGED, **LIMITED, **OTHERS}
Found = dict[str, tuple[bytes | None, Any]]


def found(folder: Path, cases: dict[str, tuple[str, str]], own: str, *options: str) -> Found:
    """Return the fingerprint and what is sent, of each case, in a new process."""
    (folder / "helper.py").write_text(HELPER)
    for number, (text, sent) in enumerate(cases.values()):
        (folder / f"room{number}.py").write_text(HEAD + text + CONSUMER.format(sent))
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "OWN": own, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *options, "-c", PROGRAM, *(f"room{n}" for n in range(len(cases)))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return dict(zip(cases, map(ast.literal_eval, done.stdout.splitlines()), strict=True))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Found]:
    """What is found of all cases in two processes."""
    folder = tmp_path_factory.mktemp("collisions")  # the same: it is part of fingerprints
    return found(folder, CASES, "first"), found(folder, CASES, "second")


def check(first: tuple[bytes | None, Any], second: tuple[bytes | None, Any]) -> None:
    """Check that what is sent in one process alone is known in no other by its fingerprint."""
    assert first[1] != second[1]
    assert first[0] is None or first[0] != second[0]


@pytest.mark.parametrize("case", [*EXCHANGED, *LIMITED])
def test_what_is_sent_in_one_process_only(both: tuple[Found, Found], case: str) -> None:
    check(both[0][case], both[1][case])


def test_bytes_as_texts_where_that_is_an_error(tmp_path: Path) -> None:
    first, second = found(tmp_path, BYTES, "first", "-bb"), found(tmp_path, BYTES, "second")
    check(first["bytes"], second["bytes"])


@pytest.mark.parametrize("case", ["a large number", "a member of many parts"])
def test_what_is_large_is_described(both: tuple[Found, Found], case: str) -> None:
    fingerprint, sent = both[0][case]
    assert sent is not None
    assert fingerprint is not None
    assert (fingerprint, sent) == both[1][case]


@pytest.mark.parametrize(
    ("case", "sent"),
    [
        ("a warning", [("-2",)]),
        ("a class without a module", [("x",)]),
        ("a name that is no plain text", [("x",)]),
    ],
)
def test_what_cannot_be_described_has_none(
    both: tuple[Found, Found], case: str, sent: list[tuple[str]]
) -> None:
    assert both[0][case] == (None, sent)
