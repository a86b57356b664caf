"""The consumers of docs/shared-handlers.md are shared, or not, as the page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from snippets import of_page

SETTINGS = """
INSTALLED_APPS = ["casgi", "django.contrib.contenttypes", "django.contrib.auth", "rooms"]
ASGI_APPLICATION = "rooms.consumers.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "of a test"
"""
MODELS = """
from django.db import models
class Message(models.Model):
    text = models.TextField()
    created = models.DateTimeField(auto_now_add=True)
"""
# What the page leaves to the reader.
ELSEWHERE = """
from rooms.models import Message
def render_price(cents):
    return f"{cents / 100:.2f}"
"""
EXPECTED = {
    ("RoomConsumer", True, "proved"),
    ("OthersConsumer", True, "proved"),
    ("SlowConsumer", False, ""),
    ("FastConsumer", True, "proved"),
    ("PriceConsumer", True, "declared"),
}


def test_consumers_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "models.py").write_text(MODELS)
    page = "\n\n".join([ELSEWHERE, *of_page("docs/shared-handlers.md"), "application = None\n"])
    (tmp_path / "rooms" / "consumers.py").write_text(page)
    command = [sys.executable, "-m", "django", "casgi_handlers", "--json"]
    done = subprocess.run(
        [*command, "--settings", "site_settings", "--pythonpath", "."],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = {
        (entry["consumer"].rpartition(".")[2], entry["is_shared"], entry["how"])
        for entry in json.loads(done.stdout)
    }
    assert found == EXPECTED
