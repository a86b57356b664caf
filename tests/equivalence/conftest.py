"""The worker processes, each for all the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path

import pytest

from equivalence.companies import Company


@pytest.fixture(scope="package")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Company]]:
    """Return the worker of a mode, started when it is first asked for."""
    folder: Path = tmp_path_factory.mktemp("equivalence")
    with ExitStack() as stack:
        yield cache(lambda mode: stack.enter_context(closing(Company(mode, folder))))


@pytest.fixture
def stock(company: Callable[[str], Company]) -> Company:
    return company("stock")


@pytest.fixture
def accelerated(company: Callable[[str], Company]) -> Company:
    return company("accelerated")
