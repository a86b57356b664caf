"""What was seen, as facts of different strictness that are compared one by one.

Where stock Channels itself can act in several orders, a strict fact differs between its own runs
and a weaker one still holds. A fact on which all stock runs agree must be the same accelerated.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

ORIGIN = re.compile(r"<\d+>")


def facts_of(seen: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "aborted": seen["aborted"],
        "outside": seen["outside"],
        "errors": sorted(seen["errors"]),
    }
    for name, client in seen["clients"].items():
        facts[f"{name}: status"] = client["status"]
        facts[f"{name}: close"] = client["close"]
        facts[f"{name}: ended"] = client["ended"]
        facts[f"{name}: frames"] = client["frames"]
        facts[f"{name}: frames of each origin"] = by_origin(client["frames"])
        facts[f"{name}: frames in any order"] = sorted(text for _, text in client["frames"])
    for name, journal in seen["journals"].items():
        facts[f"{name}: journal"] = journal
        facts[f"{name}: journal in any order"] = sorted(journal)
    return facts


def by_origin(frames: list[list[Any]]) -> dict[str, list[str]]:
    """Return the frames of each action that messages come from, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for _, text in frames:
        origin = ORIGIN.search(text)
        found[origin.group() if origin else ""].append(text)
    return dict(found)


def determined(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the facts that are the same in all runs."""
    facts = [facts_of(run) for run in runs]
    return {
        name: value
        for name, value in facts[0].items()
        if all(name in other and other[name] == value for other in facts[1:])
    }


def differences(expected: dict[str, Any], seen: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the facts that are not as expected: (expected, seen) by name."""
    facts = facts_of(seen)
    return {
        name: (value, facts.get(name))
        for name, value in expected.items()
        if facts.get(name) != value
    }
