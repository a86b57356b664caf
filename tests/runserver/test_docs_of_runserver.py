"""The commands of docs/runserver.md are ones that the command takes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from runserver_process import environment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runserver.md"
PARSE = """
import sys, django
from django.core.management import load_command_class
django.setup()
parser = load_command_class("casgi", "runserver").create_parser("manage.py", "runserver")
for line in sys.stdin:
    parser.parse_args(line.split())
    print("taken:", line, end="")
"""


def test_commands_of_the_page(folder: Path) -> None:
    commands = re.findall(r"^(?:\$ )?python manage\.py runserver(.*)$", PAGE.read_text(), re.M)
    assert len(commands) == 10
    ended = subprocess.run(
        [sys.executable, "-c", PARSE],
        cwd=folder,
        env=environment(DJANGO_SETTINGS_MODULE="site_of_runserver.settings"),
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stderr == ""
    assert ended.stdout.count("taken:") == len(commands)
