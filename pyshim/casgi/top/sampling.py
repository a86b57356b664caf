"""Asking a server how it is, again and again, and what has changed since."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from casgi.control.client import ControlClient
from casgi.control.protocol import Answer, ControlError


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server has answered at one moment.

    Attributes:
        moment: time.monotonic().
        answers: by the command that was asked.

    """

    moment: float = 0.0
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def silent(self) -> list[str]:
        """The workers that have not answered everything, and why."""
        lines = (line for answer in self.answers.values() for line in answer["silent"])
        return list(dict.fromkeys(lines))


class Sampler:
    """A connection that is opened when it is needed, and anew after the server has gone."""

    def __init__(self, path: str, most: int) -> None:
        """Take the path of the control socket, and how many rows of each kind are wanted."""
        self.path = path
        self._most = most
        self._client: ControlClient | None = None
        self._is_closed = False
        self._asking = threading.Lock()

    def sample(self, commands: Iterable[str]) -> Sample:
        """Ask; raise ControlError."""
        with self._asking:
            if self._client is None:
                self._client = ControlClient(self.path)
            if self._is_closed:
                self._client.interrupt()
            try:
                answers = {command: self._ask(self._client, command) for command in commands}
            except ControlError:
                self._disconnect()
                raise
        return Sample(time.monotonic(), answers)

    def close(self) -> None:
        """End a sample() of another thread, if there is one, with ControlError, and disconnect."""
        self._is_closed = True
        client = self._client
        if client is not None:
            client.interrupt()
        with self._asking:
            self._disconnect()

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, client: ControlClient, command: str) -> Answer:
        takes_most = command not in ("workers", "limits")
        return client.ask(command, {"most": self._most} if takes_most else None)
