"""The Python of docs/hub.md runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))

from snippets import of_page


def test_running_one(path: str) -> None:
    [program] = [one for one in of_page("docs/hub.md") if "hub.start()" in one]
    namespace: dict[str, Any] = {}
    exec(program.replace("/run/shop/casgi-hub", path), namespace)
    assert namespace["hub"].path == path
