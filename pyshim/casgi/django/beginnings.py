"""When a further thread may begin its work: a few at once, then one whenever the GIL is free.

Threads that all run Python share one GIL. Each that waits for it wakes up every 5 ms, Python's
switch interval, to ask for it; each query of a database gives it to another one, and to which is
chance. Of 64 pages at once, with a query each, one in a hundred takes more than 0.6 s (0.16 s as it
is here) and some take seconds; on a busy machine each costs up to twice the CPU time.
So work begins in order, and who begins later lets those have the GIL who have begun before:

- Fewer than AT_ONCE are young: the next begins at once. What is old does not count: it waits for
  something, or computes for long.
- Else a further thread *stands back*. Its work begins when it finds the GIL free, since all the
  others wait for something else, or are done; at the latest when so few are young again.
- A thread that is done takes up the next work by itself as long as few are young.

No work can wait for another that never begins, whatever views do to each other (a lock, a request
to their own server, a loop until somebody sets a variable): if those that have begun wait, the GIL
is free; if they compute, they are old after YOUNG_SECONDS. Nobody is ever stopped, no thread's
priority is lowered, and what has begun is not touched.
"""

import itertools
import time

from casgi.django.work import Work

AT_ONCE = 2
"""So many young ones at least: while one asks its database, another one can run."""
YOUNG_SECONDS = 0.05
"""So long work is young: ten switch intervals."""


class Beginnings:
    """What has begun and is not over; who calls sees to it that one does at a time."""

    def __init__(self) -> None:
        self._times: dict[Work, float] = {}  # in order

    def add(self, work: Work) -> None:
        """Know of work that a thread begins."""
        self._times[work] = time.monotonic()

    def remove(self, work: Work) -> None:
        """Forget it: it is over."""
        del self._times[work]

    def patience(self) -> float:
        """Return for how many seconds a further thread has to stand back; none, if 0 or less."""
        if len(self._times) < AT_ONCE:
            return 0.0
        begun = next(itertools.islice(reversed(self._times.values()), AT_ONCE - 1, None))
        return begun + YOUNG_SECONDS - time.monotonic()
