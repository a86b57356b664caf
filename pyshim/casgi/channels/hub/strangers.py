"""Channels of other processes: asking their owners to add and discard, and answering others."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

from casgi.channels.hub.names import process_topic
from casgi.channels.hub.serialization import pack, unpack
from casgi.hub.connection import NOBODY
from casgi.hub.errors import HubUnavailable
from casgi.hub.project import patience

if TYPE_CHECKING:
    from casgi.channels.hub.layer import HubChannelLayer

# Seconds that the owner of a channel has to answer.
_PATIENCE = 1.0


class Strangers:
    """What passes between the processes of a layer, beside messages to groups."""

    def __init__(self, layer: HubChannelLayer) -> None:
        """Serve this layer."""
        self._layer = layer
        self._numbers = itertools.count()
        self._answers: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = {}

    async def ask(self, owner: str, what: str, group: str, channel: str) -> None:
        """Have the owner of a channel change its place in a group; nothing if it has gone."""
        layer = self._layer
        await layer._listen()
        number, loop = next(self._numbers), asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self._answers[number] = loop, answer
        topic = process_topic(layer.prefix, owner)
        text = pack([what, group, channel, layer._token, number])
        is_here = True
        try:
            is_here = await layer._do(layer.publishing(topic, text, True)) != NOBODY
            if is_here or layer.reaches_other_hosts:
                own = patience().get("silence", 0.0) if is_here else 0.0
                await asyncio.wait_for(answer, max(_PATIENCE, own))
        except TimeoutError:
            if not is_here:
                return  # it has gone from all hosts
            reason = f"the process that has the channel {channel} does not answer"
            raise HubUnavailable(layer.hub.path, reason) from None
        finally:
            self._answers.pop(number, None)

    def take(self, request: list[Any]) -> int:
        """Do what another process asks for; return how many consumers have to run for it."""
        what, *values = request
        if what == "send":
            channel, payload = values
            self._layer.put(channel, unpack(payload))
            return 1
        if what == "answer":
            self._arrive(*values)
        else:
            self._change(what, *values)
        return 0

    def _change(self, what: str, group: str, channel: str, asker: str, number: int) -> None:
        layer = self._layer
        if what == "discard":
            if layer.local.discard(group, channel):
                layer._emptied(group)
            self._answer(asker, number)
        elif layer.local.add(group, channel) is None:
            self._answer(asker, number)
        else:
            known = layer.announce(group)
            layer.hub.on_answer(known, lambda: self._answer(asker, number))

    def _answer(self, asker: str, number: int) -> None:
        topic = process_topic(self._layer.prefix, asker)
        text = pack(["answer", number])
        with contextlib.suppress(HubUnavailable):  # who asks is told the same
            self._layer.hub.request(self._layer.publishing(topic, text))

    def _arrive(self, number: int) -> None:
        loop, answer = self._answers.get(number, (None, None))
        if loop is None or answer is None:
            return

        def arrive() -> None:
            if not answer.done():
                answer.set_result(None)

        with contextlib.suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(arrive)
