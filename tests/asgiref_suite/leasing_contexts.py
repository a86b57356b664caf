"""A pytest plugin: asgiref's tests run with leased threads and short trips, and are not touched.

REPORT is the file to write to, as JSON: the outcome of each test, and how many threads were leased.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from casgi.django.hop import ShortHops
from casgi.django.lease import Lease
from casgi.django.releases import unsupported_trips
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool

PATIENCE = 5.0
"""Seconds in the place of the suite's one or two, which a busy machine exceeds. One test, which is
expected to fail, waits until they are over.
"""
PATIENCE_WITH_NOTHING = 1.5
"""In the place of the tenth of a second in which what a thread sends must have come. Each time that
nothing is sent, it passes in full.
"""

_outcomes: dict[str, str] = {}
_leased: list[Lease] = []


class _Pool(ThreadPool):
    def provide_for(self, work: object) -> None:
        _leased.append(work)  # type: ignore[arg-type]
        super().provide_for(work)  # type: ignore[arg-type]


if os.environ["LEASING"] == "yes":
    _pool = _Pool()
    _pool.open()
    LeasingContexts(_pool).install()
    if unsupported_trips() is None:
        ShortHops().install()

_timeout = asyncio.timeout
_wait_for = asyncio.wait_for
_receive_nothing = ApplicationCommunicator.receive_nothing


def _patient(seconds: float | None) -> float | None:
    return seconds if seconds is None or seconds < 1 else max(seconds, PATIENCE)


def _patient_timeout(delay: float | None) -> asyncio.Timeout:
    return _timeout(_patient(delay))


async def _patient_wait_for(awaited: Any, timeout: float | None) -> Any:
    return await _wait_for(awaited, _patient(timeout))


async def _patient_receive_nothing(
    self: ApplicationCommunicator, timeout: float = PATIENCE_WITH_NOTHING, interval: float = 0.01
) -> bool:
    return await _receive_nothing(self, timeout, interval)


asyncio.timeout = _patient_timeout  # type: ignore[assignment]
asyncio.wait_for = _patient_wait_for
ApplicationCommunicator.receive_nothing = _patient_receive_nothing  # type: ignore[method-assign]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    found = {"outcomes": _outcomes, "leased": len(_leased)}
    Path(os.environ["REPORT"]).write_text(json.dumps(found))
