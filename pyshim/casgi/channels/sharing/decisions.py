"""Comparisons of a member's own with the message, which a handler that runs once cannot know.

`if self.channel_name != event["sender"]` is true for some members and not for others. So the
handler runs once for each outcome, and which comparisons led there is kept with what it sent: each
member gets what belongs to its own (csrc/channels/fan_out.c compares).
"""

from typing import NamedTuple

# The types between which `==` runs no code of a program's, and which C compares.
COMPARABLE = (str, int, bool, type(None))


class Comparison(NamedTuple):
    """An attribute of a member's consumer, a plain value, and whether they are equal."""

    attribute: str
    value: object
    is_equal: bool


class TooManyOutcomes(BaseException):
    """The handler compares with what cannot be compared in C."""


class Decisions:
    """What is decided in one run: first what was asked for, and False from then on.

    Attributes:
        taken: the comparisons, in their order.

    """

    def __init__(self, asked: tuple[bool, ...]) -> None:
        self._asked = asked
        self.taken: list[Comparison] = []

    def equals(self, attribute: str, value: object) -> bool:
        """Say whether the attribute is equal to a value, in this run."""
        if type(value) not in COMPARABLE:
            raise TooManyOutcomes
        for each in self.taken:
            if each.attribute == attribute and (each.is_equal or each.value == value):
                return each.is_equal and each.value == value
        number = len(self.taken)
        is_equal = self._asked[number] if number < len(self._asked) else False
        self.taken.append(Comparison(attribute, value, is_equal))
        return is_equal

    def others(self) -> list[tuple[bool, ...]]:
        """Return what to ask for next: the outcomes that this run has passed by."""
        outcomes = [each.is_equal for each in self.taken]
        return [(*outcomes[:number], True) for number in range(len(self._asked), len(outcomes))]


class Unknown:
    """Stands for an attribute of a member: it can be compared, and nothing else."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, attribute: str, decisions: Decisions) -> None:
        self._attribute = attribute
        self._decisions = decisions

    def __eq__(self, value: object) -> bool:
        return self._decisions.equals(self._attribute, value)

    def __ne__(self, value: object) -> bool:
        return not self._decisions.equals(self._attribute, value)
