"""A `daphne.testing` for Channels, where the real one is not installed.

`channels.testing.live`, the home of ChannelsLiveServerTestCase, begins with `from daphne.testing
import DaphneProcess`. Just before it is loaded, that name is given to casgi.testing.daphne if no
daphne is there. Nothing else changes: `import daphne` fails as before.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_WHO_IMPORTS_IT = "channels.testing.live"
_MISSING = "daphne.testing"


class _StandIn(MetaPathFinder):
    """Finds nothing itself: it notices when Channels is about to import daphne.testing."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Prepare for Channels' module, and leave finding it to the others."""
        is_wanted = name == _WHO_IMPORTS_IT and _MISSING not in sys.modules
        if is_wanted and importlib.util.find_spec("daphne") is None:
            sys.modules[_MISSING] = importlib.import_module("casgi.testing.daphne")


def stand_in_for_daphne() -> None:
    """Make ChannelsLiveServerTestCase work without daphne. Can be called again."""
    if not any(isinstance(finder, _StandIn) for finder in sys.meta_path):
        sys.meta_path.insert(0, _StandIn())
