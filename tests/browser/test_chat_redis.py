"""The chat with its groups in a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from people import NewPerson
from playwright.sync_api import expect
from redis_server import redis_server


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own."""
    with redis_server(tmp_path) as url:
        yield url


def test_two_people_chat_through_redis(redis_url: str, new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("garden")
    ada.write("Through Redis?")
    ben.expect_message("Through Redis?")
    ben.write("Through Redis.")
    expect(ada.bubbles()).to_have_text(["Through Redis?", "Through Redis."])
