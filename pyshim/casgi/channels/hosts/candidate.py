"""The thread by which a process may become the link of its host.

Every process that uses the layer has one. It waits for the lease, and is the link while it has it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading

from casgi.channels.hosts.lease import Lease
from casgi.channels.hosts.link import Link
from casgi.channels.hosts.servers import servers_of
from casgi.channels.hosts.settings import LinkSettings
from casgi.green_threads import green_library

logger = logging.getLogger("casgi.channels")

# Seconds between two looks whether the lease is free.
_LOOK = 0.2
# Seconds after which a link that has failed is tried again.
_PAUSE = 1.0
# Seconds that the end of the process waits for a link to leave.
_PATIENCE = 5.0


class Candidate:
    """One layer's, in this process."""

    def __init__(self, settings: LinkSettings) -> None:
        """Begin to wait for the lease."""
        self._settings = settings
        self._lease = Lease(settings.lease_path)
        self._making = threading.Lock()
        self._is_ending = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._thread = threading.Thread(
            target=self._run, name="casgi links this host to others", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End it; a link hands over to another process, or sends what it has."""
        with self._making:
            self._is_ending.set()
            if self._loop is not None and self._ending is not None:
                self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(_PATIENCE)

    def leave_to_parent(self) -> None:
        """In a forked child: let the parent's lease be the parent's alone."""
        self._lease.close()

    def _run(self) -> None:
        while not self._is_ending.is_set():
            self._is_ending.wait(self._try())
        self._lease.close()

    def _try(self) -> float:
        """Be the link if nobody else is; return after how many seconds to try again."""
        try:
            if not self._lease.try_to_take():
                return _LOOK
            asyncio.run(self._be_link())
        except FileNotFoundError:
            pass  # the hub has gone, and its folder with it
        except Exception:
            logger.exception("The link to other hosts has failed, and is begun anew")
        self._lease.close()
        return _PAUSE

    async def _be_link(self) -> None:
        ending = asyncio.Event()
        with self._making:
            self._loop, self._ending = asyncio.get_running_loop(), ending
            if self._is_ending.is_set():
                ending.set()
        try:
            servers = servers_of(self._settings.hosts, is_cluster=self._settings.is_cluster)
            await Link(self._settings, self._lease, servers).run(ending)
        finally:
            with self._making:
                self._loop = self._ending = None


_candidates: dict[tuple[str, str], Candidate] = {}


def enter(settings: LinkSettings) -> None:
    """Have this process be a candidate from now on, if it is none yet.

    One without real threads leaves it to others.
    """
    if settings.key not in _candidates and green_library() is None:
        _candidates[settings.key] = Candidate(settings)


def leave_all() -> None:
    """End all candidates of this process."""
    while _candidates:
        _candidates.popitem()[1].stop()


def _leave_all_to_parent() -> None:
    for candidate in _candidates.values():
        candidate.leave_to_parent()
    _candidates.clear()


atexit.register(leave_all)
os.register_at_fork(after_in_child=_leave_all_to_parent)
