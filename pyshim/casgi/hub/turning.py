"""The client of a process's connection to a hub, and who turns it.

On a server's event loop nobody has to. Elsewhere whoever waits for an answer does, and a thread
when somebody has to hear what the hub says at any time. After a fork there is another client.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import Counter
from typing import Any

from casgi import _core
from casgi.hub.errors import HubUnavailable
from casgi.hub.loops import running_loop
from casgi.hub.project import patience, project_name
from casgi.hub.waiting import Waiting

logger = logging.getLogger("casgi.hub")


class TurnedClient:
    """A client that is made when it is first needed; what it says is heard by a subclass."""

    def __init__(self, path: str) -> None:
        """Connect to nothing yet."""
        self.path = path
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._client: _core.HubClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader: threading.Thread | None = None
        self._ending: threading.Thread | None = None
        self._making = threading.RLock()
        self._turning = threading.Lock()
        self._waiting = Waiting()
        # What has to be asked for on every new connection: topics, each with the number of the
        # request, and messages of channels, with their number.
        self._topics: dict[bytes, int] = {}
        self._asked: Counter[bytes] = Counter()
        self._is_up = False

    def has_credit(self) -> bool:
        """Whether there is a hub, which takes more now, whatever happens until this turn ends.

        Never elsewhere than on a server's loop: there a thread may find that the hub has ended.
        """
        return self._is_on_own_loop() and self._client is not None and self._client.has_credit

    def _is_on_own_loop(self) -> bool:
        return self._loop is not None and running_loop() is self._loop

    def _live(self) -> _core.HubClient:
        if self._process != os.getpid():
            self.leave_to_parent()
        client = self._client
        if client is None and threading.current_thread() is self._ending:
            # Who closes the connection has the lock, and waits for this thread.
            raise HubUnavailable(self.path, "this process has closed its connection")
        if client is None:
            with self._making:
                client = self._client or self._make(None)
        elif self._loop is None and not self._is_read():
            self._look(client)
        return client

    def _make(self, server: _core.Server | None) -> _core.HubClient:
        handler: Any = self  # a subclass is one
        client = _core.HubClient(self.path, project_name(), handler, server, **patience())
        self._client = client
        for topic in self._topics:
            self._topics[topic] = max(0, client.announce(topic))
        if server is None and (self._topics or self._asked):
            self.read_always()
        return client

    def _look(self, client: _core.HubClient) -> None:
        """Notice that the hub has ended since the last request."""
        if self._turning.acquire(blocking=False):
            try:
                client.turn(0)
                if not client.is_connected:
                    client.turn(0)  # the stream is closed in a turn of its own
            finally:
                self._turning.release()

    def _is_read(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def read_always(self) -> None:
        """Have a thread read, unless it does so already or a server's loop does."""
        if threading.current_thread() in (self._reader, self._ending):
            return
        with self._making:
            if self._loop is None and not self._is_read():
                client = self._live()
                self._reader = threading.Thread(
                    target=self._read, args=(client,), name="casgi reads from the hub", daemon=True
                )
                self._reader.start()

    def _read(self, client: _core.HubClient) -> None:
        while client is self._client:
            with self._turning:
                client.turn(-1)

    def _end_client(self) -> None:
        client, self._client, self._is_up = self._client, None, False
        reader, self._ending, self._reader = self._reader, self._reader, None
        if client is None:
            return
        if reader is not None and reader is not threading.current_thread():
            client.wake()
            reader.join()
        client.close()
        self._waiting.answer(None)

    def attach(self, server: _core.Server, loop: asyncio.AbstractEventLoop) -> bool:
        """Be on the loop of a server from now on. False when it is on that of another."""
        with self._making:
            if self._loop is not None and self._process == os.getpid():
                return False
            self._live()
            self._end_client()
            self._loop = loop
            client = self._make(server)
        if not client.connect():
            logger.error("The hub is away: %s (%s)", self.path, client.reason)
        return True

    def close(self) -> None:
        """Close it, and leave the server's loop; what needs it next makes another."""
        with self._making:
            if self._process == os.getpid():
                self._end_client()
            self._loop = None

    def leave_to_parent(self) -> None:
        """In a forked child: begin anew, with nothing joined."""
        client = self._client
        self._begin()
        if client is not None:
            client.leave_to_parent()
