"""The module under test: each kind of thing that an application may change.

Never imported as it is: each test has its text in a file of its own.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property
from shutil import which as imported

LIMIT = 3
TYPES = ["http.response.start"]
REGISTRY = object()


def helper(number: int = 1, *, scale: int = LIMIT) -> int:
    return number * scale


def plain(text: str, suffix: str = "!", *, repeat: int = 2) -> str:
    return len(text) * helper() * suffix * repeat + str(imported is None)


async def waiting() -> object:
    await asyncio.sleep(0)
    return [plain(str(number)) for number in range(LIMIT)], REGISTRY


class Base:
    async def send(self, message: object) -> object:
        return message


class Layer(Base):
    save_types = ["http.response.start"]
    data = 1

    def __init__(self, capacity: int = 100, key: Callable[..., str] = plain) -> None:
        self.capacity = capacity

    async def send(self, message: object) -> object:
        return await super().send(message)

    @classmethod
    def make(cls) -> "Layer":
        return cls()

    @staticmethod
    def name(prefix: str = "x") -> str:
        return prefix

    @property
    def size(self) -> int:
        return self.capacity

    @size.setter
    def size(self, value: int) -> None:
        self.capacity = value

    @cached_property
    def slow(self) -> int:
        return 1

    def __private(self) -> None:
        pass


if imported:

    def either() -> int:
        return 1

else:

    def either() -> int:
        return 2
