"""The chat in real browsers.

Every test runs on casgi, those of rooms on daphne, too, and all on both with CHAT_ON_DAPHNE=1: that
proves that the chat is ordinary Channels code.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

from chat_server import ChatServer, migrate
from people import NewPerson, Person, launch_browser

SERVERS = ["casgi", "daphne"] if os.environ.get("CHAT_ON_DAPHNE") == "1" else ["casgi"]


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables and nothing in them, to copy."""
    database = tmp_path_factory.mktemp("chat") / "chat.sqlite3"
    migrate(database)
    return database


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module: others run loops of their own, so playwright's must not stay."""
    with sync_playwright() as playwright:
        chromium = launch_browser(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def redis_url() -> str | None:
    """Modules that want Redis override this."""
    return None


@pytest.fixture(params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_database: Path, redis_url: str | None
) -> Iterator[ChatServer]:
    """The running chat; the test fails when the server logged a traceback."""
    shutil.copy(migrated_database, tmp_path / "chat.sqlite3")
    chat = ChatServer(request.param, tmp_path, redis_url)
    try:
        chat.start()
        yield chat
    finally:
        chat.stop()
    assert "Traceback" not in chat.log_text(), chat.log_text()


@pytest.fixture
def new_person(server: ChatServer, browser: Browser) -> Iterator[NewPerson]:
    """Make people, with options for their browser; a script that raises an error fails the test."""
    people: list[Person] = []

    def make(name: str, **options: Any) -> Person:
        person = Person(browser.new_context(**options), server.url, name)
        people.append(person)
        return person

    yield make
    errors = [error for person in people for error in person.errors]
    for person in people:
        person.page.context.close()
    assert errors == []
