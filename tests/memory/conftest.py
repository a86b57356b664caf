"""The process that scripts are forked from ends with the tests of this folder."""

from collections.abc import Iterator

import pytest

from memory.provoked import end_nursery


@pytest.fixture(scope="package", autouse=True)
def nursery_ends() -> Iterator[None]:
    yield
    end_nursery()
