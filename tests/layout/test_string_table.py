"""Every string of csrc/string_table.h is used, and that is the only list of them."""

import re
from pathlib import Path

CSRC = Path(__file__).resolve().parents[2] / "csrc"
TABLE = CSRC / "string_table.h"
ENTRY = re.compile(r"^    (?:STRING|NAMED)\((\w+)", re.MULTILINE)
# Directly, or by the macro of selector.c that passes calls on.
USE = re.compile(r"strings(?:->|\.)(\w+)|PASS_ON\(\w+, (\w+)\)")


def test_every_string_is_used() -> None:
    files = [path for path in CSRC.rglob("*.[ch]") if path != TABLE]
    used = {name for path in files for pair in USE.findall(path.read_text()) for name in pair}
    entries = ENTRY.findall(TABLE.read_text())
    assert len(entries) > 50
    assert [name for name in entries if name not in used] == []
