"""The Python of docs/closing.md; test_hub_members.py has all that the page says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from support.django_settings import configure_django

configure_django()
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))

import pytest  # noqa: E402
from django.test import override_settings  # noqa: E402
from snippets import of_page  # noqa: E402


def test_programs() -> None:
    namespace: dict[str, Any] = {}
    for program in of_page("docs/closing.md"):
        exec(program, namespace)
    with pytest.raises(RuntimeError, match="CASGI_DISCONNECT"):
        namespace["ban"](7)
    with override_settings(CASGI_DISCONNECT=namespace["CASGI_DISCONNECT"]):
        namespace["ban"](7)
        namespace["end_everywhere"]("key")
        with pytest.raises(ValueError, match="close code"):
            namespace["disconnect"](user=7, code=1005)
        namespace["on_commit"]("kitchen", {"type": "order.posted"})  # there is no database
        with pytest.raises(TypeError, match="a user or a session"):
            namespace["disconnect"]()
