"""The hub that joins the groups of all workers, on a thread of the supervisor without the GIL.

Workers, and what they start, find it by the variable CASGI_HUB of the environment: docs/hub.md.
"""

import errno
import logging
import os
import shutil
import stat
import tempfile

from casgi import _core
from casgi.errors import BindError

logger = logging.getLogger("casgi.supervisor")

VARIABLE = "CASGI_HUB"


class HubHost:
    """Runs a hub while it is started, unless there is one at the path that is asked for.

    Attributes:
        folder: of a hub for the workers alone; it goes with the hub.

    """

    def __init__(self, path: str | None, folder: str | None = None) -> None:
        """Take where other processes look for it; None is for the workers alone.

        `folder` is that of a hub for the workers alone which was left behind at the path.
        """
        self._path = path
        self.folder = folder
        self._hub: _core.Hub | None = None

    def start(self) -> None:
        """Start it, and put its path into the environment. Raise BindError."""
        if self._path is None:
            self.folder = tempfile.mkdtemp(prefix="casgi-")
        path = os.path.abspath(self._path or os.path.join(str(self.folder), "hub"))
        hub = _core.Hub(path)
        try:
            hub.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _is_socket(path):
                raise BindError(f"cannot start the hub at {path}: {error.strerror}") from None
            logger.info("The hub at %s is used, which is there already", path)
        else:
            self._hub = hub
        os.environ[VARIABLE] = path

    def metrics(self) -> dict[str, int]:
        """Return what it has done; nothing of one that is somebody else's."""
        return {} if self._hub is None else self._hub.metrics()

    def close(self) -> None:
        """Stop it. Can be called again."""
        if self._hub is not None:
            self._hub.stop()
            self._hub = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
