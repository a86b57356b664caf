"""Runs a test's coroutine on an asyncio loop made with our selector."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from casgi.loop import EventLoop

DEADLINE = 20.0


def new_selector_loop() -> asyncio.SelectorEventLoop:
    return EventLoop()


def on_selector(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Decorate an async test: it runs on a new loop, in debug mode, until a deadline."""

    @functools.wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        async def within_deadline() -> None:
            async with asyncio.timeout(DEADLINE):
                await test(*arguments, **fixtures)

        with asyncio.Runner(loop_factory=new_selector_loop, debug=True) as runner:
            runner.get_loop().slow_callback_duration = DEADLINE
            runner.run(within_deadline())

    return run
