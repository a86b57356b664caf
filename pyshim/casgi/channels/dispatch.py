"""What takes the place of Channels' `await_many_dispatch()` for consumers on casgi WebSockets.

The original makes a task for receive() and one for the channel, waits for either, awaits
`dispatch(message)`, and makes a new task for the one that is done. Ours waits for one awaitable
that gives the events of both in the same order, and does what Channels' own `dispatch()` does right
here, as long as that and all it calls are Channels' own. Any other consumer gets the original.
"""

import functools
import weakref
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from types import MethodType
from typing import Any, TypeAlias

import channels.consumer
from channels.consumer import AsyncConsumer

from casgi import _core
from casgi.channels.database import DatabaseConnections
from casgi.channels.identity.identity import begin_identity, end_identity, is_of_identity
from casgi.channels.presence import end_stay
from casgi.channels.seam import Reliance, Seam, SharedWhile
from casgi.channels.sending import direct_send, innermost_send, is_behind_sessions, is_sync
from casgi.channels.sharing import SharingPlan, plan_of
from casgi.channels.standing import attributes_of, consumer_of, is_own, place_of

Message: TypeAlias = dict[str, Any]
Dispatch: TypeAlias = Callable[[Message], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
AwaitManyDispatch: TypeAlias = Callable[[Sequence[Receive], Dispatch], Awaitable[None]]

# So many message types are remembered; others, which a client may choose, are looked at anew.
_MOST_TYPES = 1024


class Dispatcher:
    """The replacement of await_many_dispatch()."""

    def __init__(
        self,
        original: AwaitManyDispatch,
        databases: DatabaseConnections,
        seam: Seam,
        *,
        verify: bool = False,
    ) -> None:
        """Take the original, for everybody else.

        With `verify`, no handler is shared: each runs for each consumer, and what it sends is
        compared with what its shared run would have sent.
        """
        functools.update_wrapper(self, original)
        self.original = original
        self._databases = databases
        self._seam = seam
        self._verify = verify
        self._context = copy_context()  # of no consumer
        self._handler_names: dict[str, str] = {}
        self._plans: weakref.WeakKeyDictionary[
            SharingPlan, dict[tuple[Reliance, ...], SharedWhile]
        ] = weakref.WeakKeyDictionary()
        self._has_ended = False

    def end(self) -> None:
        """Be the original from now on, for who keeps calling this."""
        self._has_ended = True

    def __call__(self, callables: Sequence[Receive], dispatch: Dispatch) -> Awaitable[None]:
        """Return what awaits events and dispatches them until one raises, as the original.

        It is one coroutine, with no other inside: each that waits costs memory for each consumer.
        """
        consumer = consumer_of(dispatch)
        if consumer is not None and callables:
            _core.drop_late_messages(callables[0])
        is_known = consumer is not None and not self._has_ended
        if is_known:
            self._let_send_directly(consumer)
        place = place_of(callables, consumer) if is_known else None
        base_send = attributes_of(consumer).get("base_send") if place else None
        channel = None if place is None else place[0].open(place[1])
        cycle = None if channel is None else self._listen(channel, callables[0], consumer, dispatch)
        if channel is None or cycle is None:
            return self._do_as_original(callables, dispatch, consumer)
        if self._verify:
            dispatch = self._verifying(consumer, dispatch)
        elif self._is_channels_own(dispatch):
            return self._handle_all(cycle.next_event, consumer, channel, dispatch, base_send)
        return self._dispatch_all(cycle.next_event, consumer, channel, dispatch)

    def _let_send_directly(self, consumer: Any) -> None:
        """Have a sync consumer send in its thread, as far as its class leaves that to Channels."""
        if not self._verify and is_own(consumer, "base_send"):
            attributes = attributes_of(consumer)
            ours = direct_send(attributes["base_send"], self._seam)
            if ours is not None:
                attributes["base_send"] = ours

    def _listen(
        self, channel: _core.Channel, receive: Receive, consumer: Any, dispatch: Dispatch
    ) -> _core.WsCycle | None:
        if not is_own(consumer, "base_send"):
            # Its class decides what sending does: neither read nor written here.
            return channel.listen(receive, None, consumer, None, None)
        attributes = attributes_of(consumer)
        base_send = attributes["base_send"]
        send = innermost_send(base_send, self._seam)
        plan = None
        if not self._verify:
            self._seam.wrappers.report(send, receive)
            plan = self._plan_for(consumer, attributes)
        is_inlined = not self._verify and self._is_channels_own(dispatch)
        if is_inlined and not is_sync(base_send):
            # The wrappers in between have nothing to do for a WebSocket, at each message.
            base_send = send
        cycle = channel.listen(receive, send, consumer, base_send, plan)
        if cycle is not None:
            # Not before: the wrappers save the session of a consumer that answers HTTP.
            attributes["base_send"] = base_send
        return cycle

    def _plan_for(self, consumer: AsyncConsumer, attributes: dict[str, Any]) -> Any:
        """Return the plan of shared frames for a consumer, None when it gets only events.

        It is one object for all consumers that can share a frame.
        """
        if "dispatch" in attributes:  # of this instance, whatever its class is
            return None
        seam, base_send = self._seam, attributes["base_send"]
        parts = [seam.closing, seam.sync_dispatch if is_sync(base_send) else seam.dispatch]
        if is_behind_sessions(base_send):
            parts.append(seam.sessions)
        plan = plan_of(type(consumer))
        kept = self._plans.setdefault(plan, {})
        return kept.setdefault(tuple(parts), SharedWhile(plan, seam, tuple(parts)))

    def _is_channels_own(self, dispatch: object) -> bool:
        return (
            type(dispatch) is MethodType
            and dispatch.__func__ is vars(AsyncConsumer).get("dispatch")
            and self._seam.dispatch.holds()
            and self._seam.closing.holds()
        )

    async def _do_as_original(
        self, callables: Sequence[Receive], dispatch: Dispatch, consumer: Any
    ) -> None:
        try:
            # The channel, if there is one, may be another consumer's, which listens to it.
            await self.original(callables, dispatch)
        finally:
            if consumer is not None:
                end_stay(consumer)

    async def _dispatch_all(
        self, next_event: Receive, consumer: Any, channel: _core.Channel, dispatch: Dispatch
    ) -> None:
        try:
            identity = await begin_identity(consumer, channel.name)
            while True:
                message = await next_event()
                if identity is not None and is_of_identity(message):
                    await identity.take(message)
                else:
                    await dispatch(message)
                del message
        finally:
            channel.close()
            end_identity(consumer)
            end_stay(consumer)

    async def _handle_all(
        self,
        next_event: Receive,
        consumer: Any,
        channel: _core.Channel,
        dispatch: Dispatch,
        base_send: Any,
    ) -> None:
        """Do what AsyncConsumer.dispatch() does, without the calls in between."""
        is_due, close_old = self._databases.is_due, self._databases.close_old
        names, parts = self._handler_names, self._passed_by(base_send)
        is_as_read = self._seam.check_of(*parts)
        attributes = attributes_of(consumer)
        inlined_send = attributes.get("base_send")
        try:
            identity = await begin_identity(consumer, channel.name)
            while True:
                message = await next_event()
                if identity is not None and is_of_identity(message):
                    await identity.take(message)
                    continue
                if not is_as_read() and not all(part.holds() for part in parts):
                    if attributes.get("base_send") is inlined_send:
                        attributes["base_send"] = base_send
                    await dispatch(message)
                    del message
                    continue
                kind = message.get("type") if type(message) is dict else None
                name = names.get(kind) if type(kind) is str else None
                handler = getattr(consumer, name or self._handler_name(message), None)
                if not handler:
                    raise ValueError(f"No handler for message type {message['type']}")
                if is_due():
                    await close_old()
                await handler(message)
                # Not kept while waiting for the next.
                del message, handler
        finally:
            channel.close()
            end_identity(consumer)
            end_stay(consumer)

    def _passed_by(self, base_send: object) -> tuple[Reliance, ...]:
        """Return what each message passes by, and has to be as it was read."""
        if is_behind_sessions(base_send):
            return self._seam.dispatch, self._seam.sessions
        return (self._seam.dispatch,)

    def _handler_name(self, message: Message) -> str:
        name: str = channels.consumer.get_handler_name(message)
        if type(message["type"]) is str and len(self._handler_names) < _MOST_TYPES:
            self._handler_names[message["type"]] = name
        return name

    def _verifying(self, consumer: AsyncConsumer, dispatch: Dispatch) -> Dispatch:
        """Return a dispatch that compares, if the consumer would get shared frames."""
        from casgi.channels.verification import is_observed, verifying_dispatch

        if not is_own(consumer, "base_send"):
            return dispatch
        attributes = attributes_of(consumer)
        send = innermost_send(attributes["base_send"], self._seam)
        plan = self._plan_for(consumer, attributes)
        if plan is None or not is_observed(send):
            return dispatch
        return verifying_dispatch(consumer, dispatch, plan, self._context)
