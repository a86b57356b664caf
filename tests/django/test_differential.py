"""Random sites do the same under ours as with Django as it is; DIFFERENTIAL=1000 tries more."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable

import django
import pytest
from differential.player import play
from differential.program import Program, generate

from casgi.django import early_close, first_trip
from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.request_seam import Requests
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool

COUNT = int(os.environ.get("DIFFERENTIAL", "120"))


@functools.cache
def _stock(seed: int, program_of: Callable[[int], Program]) -> list[list[str]]:
    return play(program_of(seed))


def difference(
    seed: int,
    as_told: Callable[[list[str]], list[str]] = list,
    program_of: Callable[[int], Program] = generate,
) -> str | None:
    """Return how what is told of a program's requests differs under ours, or None."""
    program = program_of(seed)
    stock = _stock(seed, program_of)
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


def _stays_for_the_body(seed: int) -> Program:
    """Return a program none of whose clients leaves between the head of a response and its body.

    What is sent then goes to nobody: ours gives it to the core, which drops it.
    """
    program = generate(seed)
    stays = [None if one == "http.response.start" else one for one in program.leaves_at]
    return dataclasses.replace(program, leaves_at=stays)


@pytest.mark.timeout(max(120, COUNT))
@pytest.mark.parametrize("are_watched", [False, True], ids=["in tasks", "without tasks"])
def test_random_sites_that_close_early(monkeypatch: pytest.MonkeyPatch, are_watched: bool) -> None:
    """Each response in memory is closed where it was made, and all else is as ever."""
    monkeypatch.setattr(first_trip, "is_watchable", lambda receive: are_watched)
    monkeypatch.setattr(early_close, "_is_own", lambda send: True)
    monkeypatch.setattr(early_close, "_only_django_hears", lambda sender: True)
    early: list[object] = []
    close = early_close.EarlyClose.close

    def noted(self: early_close.EarlyClose, request: object, response: object) -> object:
        early.append(close(self, request, response))
        return early[-1]

    monkeypatch.setattr(early_close.EarlyClose, "close", noted)
    program_of = _stays_for_the_body if are_watched else generate
    seeds = range(COUNT, COUNT + COUNT // 2) if are_watched else range(COUNT // 4)
    told = (difference(seed, _finished_at_the_end, program_of) for seed in seeds)
    found = filter(None, told)
    assert next(found, None) is None
    if django.VERSION >= (5, 0):  # Before, send_response() closes.
        assert sum(one is not None for one in early) > len(seeds) // 4
