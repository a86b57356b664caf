"""An event loop that knows when nothing more can happen in it by itself.

Nothing more can happen when no callback is ready, no descriptor is, and every thread that works
for the loop waits for something the scenario has to do. All sockets are Unix sockets, which have
delivered what was written when the writing call returns, and there are no timers but what ends a
rest.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from casgi import _core
from equivalence.turns import Turns

# What the server itself defers to its next turn cannot be seen here, and between two events of a
# consumer there are several such turns.
QUIET_TURNS = 8
REST_SECONDS = 0.001
WHILES = (0, 1, 5, 20, 100)


class QuietLoop(asyncio.SelectorEventLoop):
    """casgi's loop, whose threads take turns with it."""

    def __init__(self) -> None:
        super().__init__(_core.Selector())
        self.turns = Turns()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        self.turns.submit(executor, partial(func, *args), future)
        return future

    def run_until_quiet(self) -> None:
        """Run until nothing is left to do."""
        quiet_turns = 0
        while quiet_turns < QUIET_TURNS:
            quiet_turns = 0 if self._turn() else quiet_turns + 1
            if quiet_turns in (1, QUIET_TURNS):
                self._rest()

    def run_for_a_while(self) -> None:
        """Run as many turns as chance says, if anything is left to chance."""
        chance = self.turns.chance
        for _ in range(chance.choice(WHILES) if chance else 0):
            self._turn()

    def _turn(self) -> bool:
        """Run what is ready, and one thread; return whether more is to do."""
        self.call_soon(self.stop)
        self.run_forever()
        return self.turns.take_one() or bool(self._ready)  # type: ignore[attr-defined]

    def _rest(self) -> None:
        """Wait for a moment, as a loop does with nothing to do: what was kept for that leaves."""
        self.call_later(REST_SECONDS, self.stop)
        self.run_forever()

    def close(self) -> None:
        self.turns.close()
        super().close()
