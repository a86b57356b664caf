"""The chat with its groups in a real Redis."""

from __future__ import annotations

import pytest
from people import NewPerson
from playwright.sync_api import expect
from support.redis_server import RedisServer


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis of the test's own."""
    return redis_server.url


def test_two_people_chat_through_redis(redis_url: str, new_person: NewPerson) -> None:
    ada, ben = new_person("Ada"), new_person("Ben")
    ada.enter_room("garden")
    ben.enter_room("garden")
    ada.write("Through Redis?")
    ben.expect_message("Through Redis?")
    ben.write("Through Redis.")
    expect(ada.bubbles()).to_have_text(["Through Redis?", "Through Redis."])
