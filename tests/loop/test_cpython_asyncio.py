"""CPython's own asyncio tests, a module at a time, in a process of their own.

The ordinary run takes those that are quick; CASGI_TEST_CPYTHON=all takes all that use a loop.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("cpython_asyncio.py")

QUICK = [
    "test_selectors",
    "test_events",
    "test_base_events",
    "test_buffered_proto",
    "test_futures",
    "test_sendfile",
    "test_server",
    "test_sock_lowlevel",
    "test_streams",
    "test_timeouts",
    "test_unix_events",
    "test_waitfor",
]
# Each of these takes 5 to 20 seconds.
LONG = ["test_ssl", "test_sslproto", "test_subprocess", "test_taskgroups", "test_tasks"]
WHOLE = os.environ.get("CASGI_TEST_CPYTHON") == "all"


@pytest.mark.parametrize("name", QUICK + LONG * WHOLE)
def test_module(name: str) -> None:
    if importlib.util.find_spec("test.support") is None:
        pytest.skip("this Python was installed without its own tests")
    done = subprocess.run(
        [sys.executable, str(RUNNER), name], capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]
