"""The hub that a server runs on a thread of its own, without the GIL: docs/hub.md.

Processes find it by the variable CASGI_HUB of the environment, which this one's children inherit.
"""

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import stat
from collections.abc import Iterator

from casgi import _core
from casgi.config import Config
from casgi.errors import BindError
from casgi.forks import leave_to_parent_after_fork
from casgi.hub.folders import SOCKET, make_folder
from casgi.hub.project import PATH_VARIABLE
from casgi.hub.upgrades import LONGEST, begin_upgrade, end_upgrade, is_upgraded
from casgi.unix_sockets import owner_ids

logger = logging.getLogger("casgi.hub")

# Seconds until it is looked at again whether a hub of another process is still there.
_INTERVAL = 1.0


def announce_hub(config: Config) -> None:
    """Say in the environment where the hub is going to be, before an application is imported."""
    if config.hub is not None:
        os.environ[PATH_VARIABLE] = os.path.abspath(config.hub)


class HubHost:
    """Runs a hub while it is started, unless there is one at the path that is asked for.

    Attributes:
        folder: of a hub that was asked for by nobody; it goes with the hub.

    """

    def __init__(self, config: Config, folder: str | None = None) -> None:
        """Take where others look for it, and who may; without a path it is for the workers alone.

        `folder` is that of a hub for the workers alone which was left behind at the path.
        """
        self._config = config
        self._path = ""
        self.folder = folder
        self._hub: _core.Hub | None = None
        self._watching: asyncio.Task[None] | None = None
        self._sign: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start it, and put its path into the environment. Raise BindError.

        In the running loop, unless nobody can have had it there before.
        """
        if self._config.hub is None:
            self.folder = _folder_of_workers()
        path = self._config.hub or os.path.join(str(self.folder), SOCKET)
        self._path = os.path.abspath(path)
        self._begin()
        if self._hub is None:
            logger.info("The hub at %s is used, which is there already", self._path)
            self._watching = asyncio.create_task(self._take_over())
        os.environ[PATH_VARIABLE] = self._path
        if is_upgraded(self._path):
            self._sign = asyncio.get_running_loop().call_later(LONGEST, end_upgrade, self._path)
        else:
            end_upgrade(self._path)

    @contextlib.contextmanager
    def upgraded(self) -> Iterator[None]:
        """Let the next program of this process have it: who needs it until then waits for that."""
        if self._hub is not None:
            begin_upgrade(self._path)
        try:
            yield
        finally:
            end_upgrade(self._path)

    def metrics(self) -> dict[str, int]:
        """Return what it has done; nothing of one that is somebody else's."""
        return {} if self._hub is None else self._hub.metrics()

    def close(self) -> None:
        """Stop it. Can be called again."""
        if self._watching is not None:
            self._watching.cancel()
        if self._sign is not None:
            self._sign.cancel()
            end_upgrade(self._path)
        if self._hub is not None:
            self._hub.stop()
            self._hub = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _begin(self) -> None:
        """Have a hub, unless somebody else has one there."""
        owner = self._config.hub_owner
        uid, gid = (-1, -1) if owner is None else owner_ids(owner)
        hub = _core.Hub(self._path, mode=int(self._config.hub_mode, 8), uid=uid, gid=gid)
        try:
            hub.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not is_socket(self._path):
                reason = f"cannot start the hub at {self._path}: {error.strerror}"
                raise BindError(reason) from None
        else:
            leave_to_parent_after_fork(hub)
            self._hub = hub

    async def _take_over(self) -> None:
        """Have the hub here when the other process has ended, whose it was."""
        is_told = False
        while self._hub is None:
            await asyncio.sleep(_INTERVAL)
            try:
                self._begin()
            except BindError as error:
                if not is_told:
                    logger.error("The hub has gone, and this process %s", error)
                is_told = True
        logger.info("The hub at %s had gone, and is here now", self._path)


def _folder_of_workers() -> str:
    try:
        return make_folder()
    except OSError as error:
        raise BindError(
            f"cannot make a folder for the workers' hub: {error.strerror}: name the hub's place by"
            " --hub, or a folder that can be written to by TMPDIR"
        ) from None


def is_socket(path: str) -> bool:
    """Return whether a socket is at a path."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
