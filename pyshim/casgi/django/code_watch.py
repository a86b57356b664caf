"""Whether the functions of Django that ours stand for are, while casgi serves, what was read.

Before, `releases` compares them with texts. From then on somebody may replace one, or assign code
to it, and has to be called: then Django's own code answers until it is as it was.
"""

import importlib
import logging
from collections.abc import Iterable, Iterator
from operator import attrgetter

from casgi.origin import Place, Watch, places_read_by

logger = logging.getLogger("casgi.django")

Name = tuple[str, str]
"""A module, and a function of it or of one of its classes."""


class CodeWatch:
    """Some functions of Django, and what they read of Django's modules."""

    def __init__(self, otherwise: str) -> None:
        """Take what is done otherwise, as for a log line."""
        self._otherwise = otherwise
        self._watch: Watch | None = None
        self._logged: set[str] = set()

    def begin(self, names: Iterable[Name], objects: Iterable[Place] = ()) -> None:
        """Watch them from now on, and names that these objects must not hide from their class."""
        places = [_place_of(*name) for name in names]
        read = [one for place in places for one in places_read_by(place) if _is_django(one)]
        self._watch = Watch(dict.fromkeys((*places, *read, *objects)))

    def holds(self) -> bool:
        """Whether all of it is what it was; calls nothing of the application's."""
        watch = self._watch
        if watch is None or watch.holds():
            return True
        renewed = watch.renewed()
        if renewed is not None:  # A function of ours has come or gone.
            self._watch = renewed
            return True
        change = watch.change()
        if change is not None and change not in self._logged:
            self._logged.add(change)
            logger.warning("%s while casgi served: %s", change, self._otherwise)
        return change is None


def _place_of(module_name: str, name: str) -> Place:
    module = importlib.import_module(module_name)
    owner, _, attribute = name.rpartition(".")
    return (attrgetter(owner)(module) if owner else module), attribute


def _is_django(place: Place) -> bool:
    return str(getattr(place[0], "__name__", "")).startswith("django.")


def names_there(names: Iterable[Name]) -> Iterator[Name]:
    """Yield those that this release of Django has, in the class itself."""
    for name in names:
        owner, attribute = _place_of(*name)
        if attribute in vars(owner):
            yield name
