"""The example chat in a browser while its code changes."""

from __future__ import annotations

import shutil
from pathlib import Path

from chat_server import CHAT, chat_environment, migrate
from people import Person, launch_browser
from playwright.sync_api import sync_playwright
from runserver_process import Runserver

SETTINGS = """
from project.settings import *

INSTALLED_APPS = ["casgi", *INSTALLED_APPS]
"""


def test_page_reconnects_after_a_reload(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(CHAT, tmp_path / "chat"))
    (folder / "settings_with_casgi.py").write_text(SETTINGS)
    database = tmp_path / "chat.sqlite3"
    migrate(database)
    variables = chat_environment(database) | {
        "DJANGO_SETTINGS_MODULE": "settings_with_casgi",
        "PYTHONUNBUFFERED": "1",
    }
    log = tmp_path / "runserver.log"
    with Runserver(folder, log, variables=variables) as served, sync_playwright() as playwright:
        browser = launch_browser(playwright)
        ada = Person(browser.new_context(), served.url, "Ada")
        ada.enter_room("garden")
        ada.write("Before")
        ada.expect_message("Before")
        served.edit("rooms/consumers.py", "import", "import")
        served.wait_for("WebSocket CONNECT", times=2)
        ada.expect_state("open")
        ada.write("After")
        ada.expect_message("After")
        browser.close()
        assert ada.errors == []
        assert "Traceback" not in served.log_text()
