"""Random sites do the same under ours as with Django as it is; DIFFERENTIAL=1000 tries more."""

from __future__ import annotations

import functools
import os

import pytest
from differential.player import play
from differential.program import generate

from casgi.django.hop import ShortHops
from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.request_seam import Requests
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool

COUNT = int(os.environ.get("DIFFERENTIAL", "120"))


@functools.cache
def _stock(seed: int) -> list[list[str]]:
    return play(generate(seed))


def difference(seed: int) -> str | None:
    """Return how a program differs under ours, or None."""
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
        if expected != found:
            lines = [f"{program}\nrequest {number}, stock:", *expected, "ours:", *found]
            return "\n".join(lines)
    return None


@pytest.mark.timeout(max(120, COUNT))
def test_random_sites() -> None:
    found = filter(None, map(difference, range(COUNT)))
    assert next(found, None) is None
