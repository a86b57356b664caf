"""Where casgi answers otherwise than daphne on purpose: both answers, and the reason."""

from __future__ import annotations

from typing import Any, NamedTuple


class Difference(NamedTuple):
    """What daphne answers, what casgi answers, and why that is better."""

    daphne: Any
    casgi: Any
    reason: str


DIFFERENCES: dict[str, Difference] = {}
