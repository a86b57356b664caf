"""`manage.py casgi_handlers`, as it is typed in a project."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

FILES = {
    "manage.py": """
        import os
        import sys
        from django.core.management import execute_from_command_line
        os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
        execute_from_command_line(sys.argv)
        """,
    "site_settings.py": """
        SECRET_KEY = "x"
        INSTALLED_APPS = ["casgi", "channels", "rooms", "empty"]
        ASGI_APPLICATION = "site_asgi.application"
        """,
    "site_asgi.py": """
        import django
        django.setup()
        from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
        from channels.security.websocket import OriginValidator
        from django.urls import path
        from rooms.consumers import Room
        from site_worker import Worker
        application = ProtocolTypeRouter({
            "websocket": OriginValidator(URLRouter([path("x/", Room.as_asgi())]), ["*"]),
            "channel": ChannelNameRouter({"mail": Worker.as_asgi()}),
        })
        """,
    "site_worker.py": """
        from channels.consumer import SyncConsumer
        class Worker(SyncConsumer):
            def mail_send(self, event):
                print(event)
        """,
    "empty/__init__.py": "",
    "rooms/__init__.py": "",
    "rooms/consumers.py": """
        import json
        from casgi.channels import shared
        from channels.generic.websocket import AsyncWebsocketConsumer
        def line(event):
            return event["text"]
        class Base(AsyncWebsocketConsumer):
            async def room_user(self, event):
                user = self.scope["user"]
                await self.send(user)
        class Room(Base):
            async def connect(self):
                await self.accept()
            async def receive(self, text_data=None, bytes_data=None):
                await self.channel_layer.group_send("x", {"type": "room.message"})
            async def room_message(self, event):
                await self.send(json.dumps(event))
            @shared
            async def room_line(self, event):
                await self.send(line(event))
            async def _private(self, event):
                await self.send("x")
            async def no_event(self):
                await self.send("x")
            @staticmethod
            def room_static(event):
                pass
            room_text = "x"
        """,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return tmp_path


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, "manage.py", "casgi_handlers", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def reported(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = command(folder, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_table(folder: Path) -> None:
    done = command(folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(None, 2) for line in done.stdout.splitlines()]
    assert lines == [
        ["consumer", "handler", "runs          reason"],
        [
            "rooms.consumers.Base",
            "room_user",
            "per consumer  rooms/consumers.py:8: uses self.scope",
        ],
        [
            "rooms.consumers.Room",
            "room_user",
            "per consumer  rooms/consumers.py:8: uses self.scope",
        ],
        ["rooms.consumers.Room", "room_message", "shared        proved"],
        ["rooms.consumers.Room", "room_line", "shared        declared"],
        [
            "rooms.consumers.Room",
            "room_static",
            "per consumer  is a staticmethod, not a plain method",
        ],
        [
            "site_worker.Worker",
            "mail_send",
            "per consumer  site_worker.py:4: calls print, not known to be pure",
        ],
        [],
        ["2", "of", "6 handlers run once for a whole group."],
    ]


def test_json(folder: Path) -> None:
    found = {(entry["consumer"], entry["handler"]): entry for entry in reported(folder)}
    assert len(found) == 6
    path = str(folder / "rooms" / "consumers.py")
    assert found["rooms.consumers.Room", "room_user"] == {
        "consumer": "rooms.consumers.Room",
        "handler": "room_user",
        "is_shared": False,
        "how": "",
        "reason": "uses self.scope",
        "path": path,
        "line": 8,
    }
    assert found["rooms.consumers.Room", "room_line"] == {
        "consumer": "rooms.consumers.Room",
        "handler": "room_line",
        "is_shared": True,
        "how": "declared",
        "reason": "",
        "path": path,
        "line": 17,
    }


def test_apps(folder: Path) -> None:
    assert {entry["consumer"] for entry in reported(folder, "rooms")} == {
        "rooms.consumers.Base",
        "rooms.consumers.Room",
    }
    assert reported(folder, "empty") == []
    assert reported(folder, "empty", "rooms") == reported(folder, "rooms")
    assert command(folder, "empty").stdout == "There are no handlers.\n"


def test_unknown_app(folder: Path) -> None:
    done = command(folder, "room")
    assert done.returncode == 1
    assert "No installed app with label 'room'." in done.stderr


def test_project_without_an_application(folder: Path) -> None:
    (folder / "site_settings.py").write_text('SECRET_KEY = "x"\nINSTALLED_APPS = ["casgi"]\n')
    done = command(folder)
    assert done.returncode == 1
    assert "The consumers were not loaded: Cannot find ASGI_APPLICATION setting." in done.stderr


def test_handlers_of_the_example_are_shared(tmp_path: Path) -> None:
    """The chat says nothing about sharing, and each of its groups is served once."""
    example = Path(__file__).resolve().parents[2] / "examples" / "chat"
    (tmp_path / "manage.py").write_text(textwrap.dedent(FILES["manage.py"]))
    (tmp_path / "site_settings.py").write_text(
        f"import sys\nsys.path.insert(0, {str(example)!r})\n"
        "from project.settings import *\nINSTALLED_APPS = ['casgi', *INSTALLED_APPS]\n"
    )
    how = {
        entry["handler"]: entry["how"] for entry in reported(tmp_path, "rooms", "direct", "live")
    }
    assert how["room_message"] == how["direct_message"] == how["live_comment"] == "proved"
    assert how["on_message"] == how["publish"] == ""
