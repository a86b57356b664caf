"""The comparison of random sites finds each of these ways of breaking requests without tasks."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import django
import pytest
from test_differential import answer_directly, direct_difference

from casgi.django import first_trip, memory_responses
from casgi.django.client_watch import ClientWatch
from casgi.django.first_trip import FirstTrip

# What is broken leaves coroutines that nobody awaits.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(django.VERSION < (5, 0), reason="nobody watches clients"),
]
ENOUGH = 400
"""So many random sites have each of the situations."""

Patch = pytest.MonkeyPatch


def do_not_hear_of_who_leaves(patch: Patch) -> None:
    patch.setattr(ClientWatch, "call_when_left", lambda self, function: None)


def go_on_in_the_thread_when_the_client_has_left(patch: Patch) -> None:
    cancel = FirstTrip._cancel

    async def broken(self: Any) -> None:
        try:
            await cancel(self)
        finally:
            self._passage.is_left = False

    patch.setattr(FirstTrip, "_cancel", broken)


def answer_who_has_left(patch: Patch) -> None:
    async def broken(self: Any) -> None:
        await self._trip.call.renew()

    patch.setattr(FirstTrip, "_cancel", broken)


def let_async_code_within_go_on(patch: Patch) -> None:
    async def broken(self: Any) -> None:
        self._passage.leave()
        raise asyncio.CancelledError

    patch.setattr(FirstTrip, "_cancel", broken)


def take_another_error(patch: Patch) -> None:
    go_on = FirstTrip.go_on

    async def broken(self: Any) -> Any:
        if self.error is not None:
            self.error = RuntimeError("another")
        return await go_on(self)

    patch.setattr(FirstTrip, "go_on", broken)


def raise_the_error_to_nobody(patch: Patch) -> None:
    wait = FirstTrip.wait

    async def broken(self: Any) -> None:
        await wait(self)
        if self.error is not None:
            raise self.error

    patch.setattr(FirstTrip, "wait", broken)


def lose_context_variables(patch: Patch) -> None:
    begin_trip = first_trip.begin_trip

    def broken(function: Any, context: Any) -> Any:
        return begin_trip(function, contextvars.copy_context())

    patch.setattr(first_trip, "begin_trip", broken)
    patch.setattr(first_trip, "arrive_in", lambda context: None)


def begin_again_behind_it(patch: Patch) -> None:
    async def broken(self: Any) -> Any:
        return await self._passage.go()

    patch.setattr(FirstTrip, "go_on", broken)


def lose_headers(patch: Patch) -> None:
    headers_of = memory_responses._headers_of

    def broken(response: Any) -> Any:
        headers = headers_of(response)
        return None if headers is None else headers[:-1]

    patch.setattr(memory_responses, "_headers_of", broken)


def lose_cookies(patch: Patch) -> None:
    headers_of = memory_responses._headers_of

    def broken(response: Any) -> Any:
        cookies, response.cookies = response.cookies, SimpleCookie()
        try:
            return headers_of(response)
        finally:
            response.cookies = cookies

    patch.setattr(memory_responses, "_headers_of", broken)


BREAKAGES = [
    do_not_hear_of_who_leaves,
    go_on_in_the_thread_when_the_client_has_left,
    answer_who_has_left,
    let_async_code_within_go_on,
    take_another_error,
    raise_the_error_to_nobody,
    lose_context_variables,
    begin_again_behind_it,
    lose_headers,
    lose_cookies,
]


if django.VERSION >= (6, 1):  # There the trip itself brings them back, to the request's own task.
    BREAKAGES.remove(lose_context_variables)


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda one: one.__name__)
def test_found(monkeypatch: pytest.MonkeyPatch, broken: Callable[[Patch], None]) -> None:
    answer_directly(monkeypatch)
    broken(monkeypatch)
    found = next(filter(None, map(direct_difference, range(ENOUGH))), None)
    gc.collect()
    assert found is not None
    # It does something else, instead of nothing at all.
    assert "AttributeError" not in found
    assert "TypeError" not in found
