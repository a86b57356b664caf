"""A `daphne.testing` for Channels, where the real one is not installed.

`channels.testing.live`, the home of ChannelsLiveServerTestCase, begins with `from daphne.testing
import DaphneProcess`. That name stands for casgi.testing.daphne from stand_in_for_daphne() on, in
whatever order things are imported. Nothing else changes: `import daphne` fails as before.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_NAME = "daphne.testing"


class _StandIn(ModuleType):
    """The module, which loads what it has when that is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module("casgi.testing.daphne"), name)


def stand_in_for_daphne() -> None:
    """Make ChannelsLiveServerTestCase work without daphne. Can be called again."""
    # The import of a module that is there already does not ask for its package.
    if _NAME not in sys.modules and importlib.util.find_spec("daphne") is None:
        sys.modules[_NAME] = _StandIn(_NAME, __doc__)
