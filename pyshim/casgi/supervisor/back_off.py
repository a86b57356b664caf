"""How long to wait before a worker that has ended is started again."""

_LIVED = 10.0
_FIRST = 0.5
_LONGEST = 30.0


class BackOff:
    """Counts short lives: the first is followed at once, each further one after twice the time."""

    def __init__(self) -> None:
        self._short_lives = 0

    def after(self, seconds: float) -> float:
        """Return how many seconds to wait after a worker that has lived for so many."""
        if seconds >= _LIVED:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        if self._short_lives == 1:
            return 0.0
        return float(min(_LONGEST, _FIRST * 2.0 ** (self._short_lives - 2)))
