"""Random sites do the same under ours as with Django as it is; DIFFERENTIAL=1000 tries more."""

from __future__ import annotations

import os

import pytest
from differential.player import play
from differential.program import generate

from casgi.django.middleware_seam import PlainMiddleware
from casgi.django.thread_context import LeasingContexts
from casgi.django.thread_pool import ThreadPool

COUNT = int(os.environ.get("DIFFERENTIAL", "120"))


def difference(seed: int) -> str | None:
    """Return how a program differs under ours, or None."""
    program = generate(seed)
    stock = play(program)
    pool = ThreadPool()
    pool.open()
    seams = (LeasingContexts(pool), PlainMiddleware())
    for seam in seams:
        seam.install()
    try:
        ours = play(program)
    finally:
        for seam in seams:
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
