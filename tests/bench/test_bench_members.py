"""The clients of a group notice what a server loses, repeats or disorders."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = 3
BURST = 5  # number 0 is the first message, after which the clients are ready; 1 to 5 are counted

Fault = Callable[[int, list[str]], list[str]]
"""What a member with this place is sent of the messages that are due."""


def number(text: str) -> int:
    return int(json.loads(text)["message"][:10])


def nothing(place: int, texts: list[str]) -> list[str]:
    return texts


def loses_one(place: int, texts: list[str]) -> list[str]:
    return [text for text in texts if (place, number(text)) != (2, 3)]


def loses_the_last(place: int, texts: list[str]) -> list[str]:
    return [text for text in texts if (place, number(text)) != (0, BURST)]


def repeats_one(place: int, texts: list[str]) -> list[str]:
    return [text for text in texts for _ in range(2 if (place, number(text)) == (1, 2) else 1)]


def swaps_two(place: int, texts: list[str]) -> list[str]:
    return sorted(texts, key=lambda text: {4: 5, 5: 4}.get(number(text), number(text)))


def invents_one(place: int, texts: list[str]) -> list[str]:
    return [*texts, '{"message": "0000000099"}'] if number(texts[0]) else texts


@pytest.fixture(scope="module")
def program() -> str:
    code = "from bench.programs import compiled; print(compiled('members'))"
    return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()


class FaultyGroup:
    """A WebSocket server that sends whole bursts to all members, through a fault."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._members: list[ServerConnection] = []
        self._due: list[str] = []

    async def member(self, connection: ServerConnection) -> None:
        self._members.append(connection)
        async for text in connection:
            self._due.append(str(text))
            if number(str(text)) in (0, BURST):
                texts, self._due = self._due, []
                for place, member in enumerate(self._members):
                    for answer in self._fault(place, texts):
                        await member.send(answer)


@pytest.mark.parametrize(
    ("fault", "missing", "unexpected"),
    [
        (nothing, 0, 0),
        (loses_one, 1, 0),
        (loses_the_last, 1, 0),
        (repeats_one, 0, 1),
        (swaps_two, MEMBERS, MEMBERS),
        (invents_one, 0, MEMBERS),
    ],
)
async def test_faults_are_counted(
    program: str, fault: Fault, missing: int, unexpected: int
) -> None:
    async with serve(FaultyGroup(fault).member, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        options = [f"--port={port}", f"--members={MEMBERS}", f"--burst={BURST}", "--stall=0.3"]
        clients = await asyncio.create_subprocess_exec(
            program,
            *options,
            f"--messages={BURST}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await clients.communicate()
    assert clients.returncode == 0
    result = json.loads(output.splitlines()[-1])
    assert result["messages"] == BURST
    assert result["deliveries"] == MEMBERS * BURST - missing
    assert (result["missing"], result["unexpected"]) == (missing, unexpected)
