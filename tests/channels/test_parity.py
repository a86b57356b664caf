"""Every check, on daphne and casgi: equal answers, or a difference with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import checks_bodies
import checks_closing
import checks_handshake
import checks_http
import checks_process
import checks_rooms
import checks_websocket
import pytest
from differences import ANY, DIFFERENCES
from site_process import Ask, Site

IN_MEMORY = {
    **checks_http.CHECKS,
    **checks_bodies.CHECKS,
    **checks_handshake.CHECKS,
    **checks_websocket.CHECKS,
    **checks_closing.CHECKS,
}


def compare(name: str, answers: dict[str, Any]) -> None:
    difference = DIFFERENCES.get(name)
    if difference is None:
        assert answers["casgi"] == answers["daphne"]
    else:
        assert answers["casgi"] != answers["daphne"], "no difference any more"
        assert difference.casgi in (ANY, answers["casgi"]), difference.reason
        assert difference.daphne in (ANY, answers["daphne"]), "daphne has changed"


def named(checks: dict[str, Any]) -> Any:
    return pytest.mark.parametrize(("name", "check"), checks.items(), ids=list(checks))


@named(IN_MEMORY)
def test_check(name: str, check: Callable[[Site], Any], in_memory: list[Site], ask: Ask) -> None:
    compare(name, ask(check, in_memory))


@named(checks_rooms.CHECKS)
@pytest.mark.parametrize("layer", ["in_memory", "in_redis"])
def test_room(
    name: str,
    check: Callable[[Site], Any],
    layer: str,
    ask: Ask,
    request: pytest.FixtureRequest,
) -> None:
    compare(name, ask(check, request.getfixturevalue(layer)))


@named(checks_process.CHECKS)
def test_process(name: str, check: Callable[[Any], Any], starts: list[Any], ask: Ask) -> None:
    compare(name, ask(check, starts))


def test_every_difference_has_a_check() -> None:
    known = {**IN_MEMORY, **checks_rooms.CHECKS, **checks_process.CHECKS}
    assert set(DIFFERENCES) <= set(known)
