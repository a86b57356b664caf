"""The comparison of random views without middleware finds each of these ways of breaking them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_differential import begin_in_loop, difference_in_loop

from casgi.django.passage import Passage
from casgi.django.request import Request

pytestmark = pytest.mark.timeout(240)
ENOUGH = 200
"""So many random views have each of the situations."""

Patch = pytest.MonkeyPatch


def call_sync_views_in_the_loop(patch: Patch) -> None:
    async def broken(self: Any, function: Callable[[], object]) -> None:
        function()

    patch.setattr(Passage, "_hop", broken)


def close_everything_in_the_loop(patch: Patch) -> None:
    patch.setattr(Request, "_leaves_nothing", lambda self, response: True)


def resolve_every_url_twice(patch: Patch) -> None:
    begin = Passage.begin_in_loop

    def broken(self: Any) -> bool:
        begin(self)
        self._resolve()
        self._match = None
        return True

    patch.setattr(Passage, "begin_in_loop", broken)


BREAKAGES = [
    call_sync_views_in_the_loop,
    close_everything_in_the_loop,
    resolve_every_url_twice,
]


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda one: one.__name__)
def test_found(monkeypatch: pytest.MonkeyPatch, broken: Callable[[Patch], None]) -> None:
    begin_in_loop(monkeypatch)
    broken(monkeypatch)
    found = next(filter(None, map(difference_in_loop, range(ENOUGH))), None)
    assert found is not None
    # It does something else, instead of nothing at all.
    assert "AttributeError" not in found
    assert "TypeError" not in found
