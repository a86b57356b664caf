"""Random sites do the same under ours as with Django as it is; DIFFERENTIAL=1000 tries more."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable

import django
import pytest
from differential import player
from differential.player import play
from differential.program import Program, generate
from django.core.signals import request_finished
from seams import in_place

from casgi.django import early_close, first_trip, own_receivers, request_kinds
from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.own_receivers import live_receivers
from casgi.django.passage import Passage
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
    with contextlib.closing(pool), in_place(*seams):
        ours = play(program)
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


def _sent_by_the_core(seed: int) -> Program:
    """Return the program of a seed, whose journals are others than of the same one elsewhere."""
    return generate(seed)


def close_early(patch: pytest.MonkeyPatch) -> list[object]:
    """Have responses in memory closed where they were made; return what comes of each."""
    patch.setattr(early_close, "_is_own", lambda send: True)
    finished = own_receivers.finished
    patch.setattr(finished, "of", lambda sender: live_receivers(request_finished, sender))
    early: list[object] = []
    close = early_close.EarlyClose.close

    def noted(self: early_close.EarlyClose, request: object, response: object) -> object:
        early.append(close(self, request, response))
        return early[-1]

    patch.setattr(early_close.EarlyClose, "close", noted)
    return early


def answer_directly(patch: pytest.MonkeyPatch) -> list[object]:
    """Have the first trip of each request awaited without tasks, as under casgi's core."""
    for module in (first_trip, request_kinds):
        patch.setattr(module, "is_watchable", lambda receive: True)
    patch.setattr(player, "drops_the_rest", True)
    return close_early(patch)


def direct_difference(seed: int) -> str | None:
    """Return how what is told of requests that are answered directly differs, or None."""
    return difference(seed, _finished_at_the_end, _sent_by_the_core)


@pytest.mark.timeout(max(120, COUNT))
def test_random_sites_that_close_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each response in memory is closed where it was made, and all else is as ever."""
    early = close_early(monkeypatch)
    seeds = range(COUNT // 4)
    found = filter(None, (difference(seed, _finished_at_the_end) for seed in seeds))
    assert next(found, None) is None
    _are_enough(early, seeds)


@pytest.mark.timeout(max(120, COUNT))
def test_random_sites_that_are_answered_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, and nothing that follows needs tasks, or it gets them."""
    early = answer_directly(monkeypatch)
    seeds = range(COUNT, COUNT + COUNT // 2)
    found = filter(None, map(direct_difference, seeds))
    assert next(found, None) is None
    _are_enough(early, seeds)


def begin_in_loop(patch: pytest.MonkeyPatch) -> list[bool]:
    """Have nobody but Django hear of requests; return of each begun so whether it stayed there."""
    patch.setattr(own_receivers.started, "of", lambda sender: ())
    patch.setattr(own_receivers.finished, "of", lambda sender: ())
    begun: list[bool] = []
    begin = Passage.begin_in_loop

    def noted(self: Passage) -> bool:
        begun.append(begin(self))
        return begun[-1]

    patch.setattr(Passage, "begin_in_loop", noted)
    return begun


def _without_middleware(seed: int) -> Program:
    """Return the program of a seed with nothing that is for the thread before its view."""
    program = generate(seed)
    view = "async_closer" if seed % 8 == 7 else program.view
    return dataclasses.replace(program, view=view, middleware=[], receivers=[], cookies=None)


def _without_signals(lines: list[str]) -> list[str]:
    """Return a journal without what its own receivers have written."""
    return [line for line in lines if "request_started" not in line and "_finished" not in line]


def difference_in_loop(seed: int) -> str | None:
    """Return how what is told of requests that begin in the loop differs, or None."""
    return difference(seed, _without_signals, _without_middleware)


@pytest.mark.timeout(max(120, COUNT))
@pytest.mark.parametrize("is_watched", [False, True], ids=["with a task", "without"])
def test_random_views_without_middleware(is_watched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request begins in the loop, and has a thread only if something is for it."""
    begun = begin_in_loop(monkeypatch)
    monkeypatch.setattr(request_kinds, "is_watchable", lambda receive: is_watched)
    seeds = range(COUNT // 2)
    found = filter(None, map(difference_in_loop, seeds))
    assert next(found, None) is None
    assert begun.count(True) > len(seeds) // 2
    assert begun.count(False) > len(seeds) // 2


def _are_enough(early: list[object], seeds: range) -> None:
    if django.VERSION >= (5, 0):  # Before, send_response() closes.
        assert sum(one is not None for one in early) > len(seeds) // 4
