"""A pytest plugin: asgiref's tests run with leased threads and short trips, and are not touched.

REPORT is the file to write to, as JSON: the outcome of each test, and how many threads were leased.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from casgi.django.hop import ShortHops
from casgi.django.lease import Lease
from casgi.django.releases import unsupported_trips
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool

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


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    found = {"outcomes": _outcomes, "leased": len(_leased)}
    Path(os.environ["REPORT"]).write_text(json.dumps(found))
