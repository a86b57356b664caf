"""The dicts that Channels' layer in memory has, as views of channels and groups that casgi keeps.

Projects read them, and a few write: who is in a group, how many messages wait, who is to leave. A
view is of the moment in which it is asked; what is changed in it is changed in the layer. It is a
dict for `isinstance()`; what reads the memory of a dict itself, as `json.dumps()` does, needs a
`dict()` of it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import ItemsView, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any

from casgi.channels.local import LocalChannels


class Members(MutableMapping[str, float], dict[str, float]):  # type: ignore[metaclass, misc]
    """A group: when each of its channels joined, by `time.time()`, in the order of joining."""

    def __init__(self, local: LocalChannels, group: str) -> None:
        self._local = local
        self._group = group

    def _now(self) -> dict[str, float]:
        return self._local.joined(self._group)

    def __getitem__(self, channel: str) -> float:
        return self._now()[channel]

    def __setitem__(self, channel: str, joined: float) -> None:
        self._local.add(self._group, channel)

    def __delitem__(self, channel: str) -> None:
        if channel not in self:
            raise KeyError(channel)
        self._local.discard(self._group, channel)

    def __contains__(self, channel: object) -> bool:
        return channel in self._now()

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return self._local.size(self._group)

    def __repr__(self) -> str:
        return repr(self._now())

    def keys(self) -> KeysView[str]:
        """Return the channels."""
        return self._now().keys()

    def values(self) -> ValuesView[float]:
        """Return when they joined."""
        return self._now().values()

    def items(self) -> ItemsView[str, float]:
        """Return both."""
        return self._now().items()

    def copy(self) -> dict[str, float]:
        """Return what is in it now."""
        return self._now()


class Groups(MutableMapping[str, Mapping[str, float]], dict[str, Mapping[str, float]]):  # type: ignore[metaclass, misc]
    """The groups that have members, each as `Members`, and the one that was begun last."""

    def __init__(self, local: LocalChannels) -> None:
        self._local = local
        self._begun: str | None = None

    def __getitem__(self, group: str) -> Members:
        if group not in self and group != self._begun:
            raise KeyError(group)
        return Members(self._local, group)

    def setdefault(self, group: str, default: Any = None) -> Any:
        """Return a group, which has a member next."""
        self._begun = group
        return Members(self._local, group)

    def __setitem__(self, group: str, members: Mapping[str, float]) -> None:
        names = list(members)
        for name in self._local.channels(group):
            self._local.discard(group, name)
        for name in names:
            self._local.add(group, name)

    def __delitem__(self, group: str) -> None:
        if group not in self:
            raise KeyError(group)
        self[group] = {}

    def __contains__(self, group: object) -> bool:
        return isinstance(group, str) and self._local.size(group) > 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._local.groups())

    def __len__(self) -> int:
        return len(self._local.groups())

    def __repr__(self) -> str:
        return repr(self.copy())

    def pop(self, group: str, *default: Any) -> Any:
        """Empty a group and return who was in it."""
        if group not in self and default:
            return default[0]
        members = self[group].copy()
        del self[group]
        return members

    def copy(self) -> dict[str, Mapping[str, float]]:
        """Return what is in it now."""
        return {group: self._local.joined(group) for group in self}


class Waiting:
    """The messages that wait in a channel, by the methods of a queue that Channels uses."""

    # When the first expires: the layer drops it by itself.
    _queue = ((math.inf,),)

    def __init__(self, local: LocalChannels, channel: str, maxsize: int) -> None:
        self._local = local
        self._channel = channel
        self.maxsize = maxsize

    def qsize(self) -> int:
        """Return how many there are."""
        return self._local.waiting(self._channel) or 0

    def empty(self) -> bool:
        """Return whether there is none."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Return whether the next one would raise ChannelFull."""
        return 0 < self.maxsize <= self.qsize()

    def get_nowait(self) -> tuple[float, dict[str, Any]]:
        """Return when the first one would have expired at the latest, and it itself."""
        message = self._local.take(self._channel)
        if message is None:
            raise asyncio.QueueEmpty
        return time.time() + self._local.expiry, message

    async def get(self) -> tuple[float, dict[str, Any]]:
        """Wait for the first one; return it as `get_nowait()` does."""
        message = await self._local.get(self._channel)
        return time.time() + self._local.expiry, message

    def put_nowait(self, item: tuple[float, dict[str, Any]]) -> None:
        """Append a message, given with the time at which it would expire; or raise ChannelFull."""
        self._local.put(self._channel, item[1])

    def __repr__(self) -> str:
        return f"<{self.qsize()} messages in {self._channel}>"


class Channels(MutableMapping[str, Waiting], dict[str, Waiting]):  # type: ignore[metaclass, misc]
    """The channels in which messages wait, or that somebody reads."""

    def __init__(self, local: LocalChannels) -> None:
        self._local = local

    def __getitem__(self, channel: str) -> Waiting:
        if channel not in self:
            raise KeyError(channel)
        return Waiting(self._local, channel, self._local.capacity(channel))

    def setdefault(self, channel: str, default: Any = None) -> Any:
        """Return a channel, which begins with its first message."""
        return Waiting(self._local, channel, self._local.capacity(channel))

    def __setitem__(self, channel: str, queue: Any) -> None:
        raise TypeError("channels are made by their first message; `await layer.send()` sends one")

    def __delitem__(self, channel: str) -> None:
        queue = self[channel]
        while not queue.empty():
            queue.get_nowait()

    def __contains__(self, channel: object) -> bool:
        return isinstance(channel, str) and self._local.waiting(channel) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._local.sizes())

    def __len__(self) -> int:
        return len(self._local.sizes())

    def __repr__(self) -> str:
        return repr(self.copy())

    def copy(self) -> dict[str, Waiting]:
        """Return what is in it now."""
        return {name: self[name] for name in self}
