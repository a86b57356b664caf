"""Random sites do the same under ours as with Django as it is; DIFFERENTIAL=1000 tries more."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import django
import pytest
from differential.player import play
from differential.program import generate

from casgi.django import early_close
from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.request_seam import Requests
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool

COUNT = int(os.environ.get("DIFFERENTIAL", "120"))


@functools.cache
def _stock(seed: int) -> list[list[str]]:
    return play(generate(seed))


def difference(seed: int, as_told: Callable[[list[str]], list[str]] = list) -> str | None:
    """Return how what is told of a program's requests differs under ours, or None."""
    program = generate(seed)
    stock = _stock(seed)
    pool = ThreadPool()
    pool.open()
    seams = (LeasingContexts(pool), ShortHops(), PlainMiddleware(), Requests())
    for seam in seams:
        seam.install()
    try:
        ours = play(program)
    finally:
        for seam in reversed(seams):
            seam.remove()
        pool.close()
    for number, (expected, found) in enumerate(zip(stock, ours, strict=True)):
        if as_told(expected) != as_told(found):
            lines = [f"{program}\nrequest {number}, stock:", *expected, "ours:", *found]
            return "\n".join(lines)
    return None


@pytest.mark.timeout(max(120, COUNT))
def test_random_sites() -> None:
    found = filter(None, map(difference, range(COUNT)))
    assert next(found, None) is None


def _finished_at_the_end(lines: list[str]) -> list[str]:
    """Return a journal without the place of request_finished, and what its receivers see there."""
    others = [line for line in lines if "request_finished" not in line]
    return [*others, f"finished {len(lines) - len(others)} times"]


@pytest.mark.timeout(max(120, COUNT))
def test_random_sites_that_close_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each response in memory is closed where it was made, and all else is as ever."""
    monkeypatch.setattr(early_close, "_is_own", lambda send: True)
    monkeypatch.setattr(early_close, "_has_known_receivers", lambda sender: True)
    early: list[object] = []
    close = early_close.EarlyClose.close

    def noted(self: early_close.EarlyClose, request: object, response: object) -> object:
        early.append(close(self, request, response))
        return early[-1]

    monkeypatch.setattr(early_close.EarlyClose, "close", noted)
    seeds = range(COUNT, COUNT + COUNT // 2)
    found = filter(None, (difference(seed, _finished_at_the_end) for seed in seeds))
    assert next(found, None) is None
    if django.VERSION >= (5, 0):  # Before, send_response() closes.
        assert sum(one is not None for one in early) > len(seeds) // 4
