"""asyncio that was imported twice, as ddtrace-run leaves it: it serves, and says what is wrong."""

from pathlib import Path

import pytest

UNLOADS = """\
import asyncio, sys
for name in [name for name in sys.modules if name.partition(".")[0] == "asyncio"]:
    del sys.modules[name]
"""
WARNING = "WARNING  asyncio was imported twice"


@pytest.mark.parametrize("is_unloaded", [True, False])
def test_it_is_told(casgi, get, tmp_path: Path, is_unloaded: bool) -> None:
    (tmp_path / "sitecustomize.py").write_text(UNLOADS if is_unloaded else "")
    process = casgi("-p", "0", "served:hello", variables={"PYTHONPATH": str(tmp_path)})
    assert get(process.port())
    assert process.stop() == 0
    told = [line for line in process.stderr.lines() if WARNING in line]
    assert len(told) == is_unloaded
    assert all("DD_UNLOAD_MODULES_FROM_SITECUSTOMIZE=0" in line for line in told)
