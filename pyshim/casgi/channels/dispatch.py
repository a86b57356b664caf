"""What takes the place of Channels' `await_many_dispatch()` for consumers on casgi WebSockets.

The original makes a task for receive() and one for the channel, waits for either, awaits
`dispatch(message)`, and makes a new task for the one that is done. Ours waits for one awaitable
that gives the events of both in the same order, and does what Channels' own `dispatch()` does right
here. Any other consumer gets the original.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any, TypeAlias

from channels.consumer import AsyncConsumer, get_handler_name
from channels.sessions import InstanceSessionWrapper

from casgi import _core
from casgi.channels.database import DatabaseConnections
from casgi.channels.local import LocalChannels
from casgi.channels.presence import end_stay
from casgi.channels.sharing import plan_of

Message: TypeAlias = dict[str, Any]
Dispatch: TypeAlias = Callable[[Message], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
AwaitManyDispatch: TypeAlias = Callable[[Sequence[Receive], Dispatch], Awaitable[None]]

_SESSION_SEND = InstanceSessionWrapper.send
# Not read from the class: an application may have changed it before this module was imported.
_SESSION_SAVES_AT = ["http.response.start"]
_OWN_DISPATCH = AsyncConsumer.dispatch
# So many message types are remembered; others, which a client may choose, are looked at anew.
_MOST_TYPES = 1024


class Dispatcher:
    """The replacement of await_many_dispatch()."""

    def __init__(
        self, original: AwaitManyDispatch, databases: DatabaseConnections, *, verify: bool = False
    ) -> None:
        """Take the original, for everybody else.

        With `verify`, no handler is shared: each runs for each consumer, and what it sends is
        compared with what its shared run would have sent.
        """
        self.original = original
        self._databases = databases
        self._verify = verify
        self._context = copy_context()  # of no consumer
        self._handler_names: dict[str, str] = {}

    def __call__(self, callables: Sequence[Receive], dispatch: Dispatch) -> Awaitable[None]:
        """Return what awaits events and dispatches them until one raises, as the original.

        It is one coroutine, with no other inside: each that waits costs memory for each consumer.
        """
        consumer = _consumer_of(dispatch)
        place = None if consumer is None else _place_of(callables)
        channel = None if place is None else place[0].open(place[1])
        cycle = None if channel is None else self._listen(channel, callables[0], consumer)
        if channel is None or cycle is None:
            return self._do_as_original(callables, dispatch, consumer)
        if not self._verify and getattr(dispatch, "__func__", None) is _OWN_DISPATCH:
            return self._handle_all(cycle.next_event, consumer, channel)
        if self._verify:
            dispatch = self._verifying(consumer, dispatch)
        return self._dispatch_all(cycle.next_event, consumer, channel, dispatch)

    def _listen(
        self, channel: _core.Channel, receive: Receive, consumer: Any
    ) -> _core.WsCycle | None:
        has_own_dispatch = "dispatch" in vars(consumer)  # of this instance, whatever its class is
        plan = None if self._verify or has_own_dispatch else plan_of(type(consumer))
        send = _server_send(consumer.base_send)
        # The wrappers in between have nothing to do for a WebSocket, at each message.
        is_direct = send is not None and not consumer._sync
        base_send = send if is_direct else consumer.base_send
        cycle = channel.listen(receive, send, consumer, base_send, plan)
        if cycle is not None:
            # Not before: the wrappers save the session of a consumer that answers HTTP.
            consumer.base_send = base_send
        return cycle

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
            while True:
                await dispatch(await next_event())
        finally:
            channel.close()
            end_stay(consumer)

    async def _handle_all(self, next_event: Receive, consumer: Any, channel: _core.Channel) -> None:
        """Do what AsyncConsumer.dispatch() does, without the calls in between."""
        is_due, close_old = self._databases.is_due, self._databases.close_old
        names = self._handler_names
        try:
            while True:
                message = await next_event()
                try:
                    name = names[message["type"]]
                except (KeyError, TypeError):
                    name = self._handler_name(message)
                handler = getattr(consumer, name, None)
                if not handler:
                    raise ValueError(f"No handler for message type {message['type']}")
                if is_due():
                    await close_old()
                await handler(message)
                # Not kept while waiting for the next.
                del message, handler
        finally:
            channel.close()
            end_stay(consumer)

    def _handler_name(self, message: Message) -> str:
        name: str = get_handler_name(message)
        if len(self._handler_names) < _MOST_TYPES:
            self._handler_names[message["type"]] = name
        return name

    def _verifying(self, consumer: Any, dispatch: Dispatch) -> Dispatch:
        from casgi.channels.verification import verifying_dispatch

        return verifying_dispatch(consumer, dispatch, self._context)


def _consumer_of(dispatch: Any) -> Any:
    """Return the consumer whose dispatch method this is, or None."""
    if isinstance(dispatch, partial):
        # SyncConsumer.dispatch is an object of asgiref, which binds by a partial.
        consumer = dispatch.args[0] if dispatch.args else None
    else:
        consumer = getattr(dispatch, "__self__", None)
    return consumer if isinstance(consumer, AsyncConsumer) else None


def _place_of(callables: Sequence[Any]) -> tuple[LocalChannels, str] | None:
    """Return where the consumer's channel is, when its layer is one of ours."""
    if len(callables) != 2 or not isinstance(callables[1], partial) or not callables[1].args:
        return None
    receive: Any = callables[1].func
    local = getattr(getattr(receive, "__self__", None), "local", None)
    # A subclass, or somebody who wraps the method, has a receive() of its own: it is to be called.
    home = getattr(getattr(receive, "__func__", None), "__globals__", {}).get("__name__", "")
    if not isinstance(local, LocalChannels) or not home.startswith("casgi.channels."):
        return None
    return local, callables[1].args[0]


def _server_send(send: Any) -> Any:
    """Return the server's own send behind wrappers that let `websocket.send` through, or None."""
    if hasattr(send, "awaitable"):
        # A sync consumer's, made by async_to_sync().
        send = send.awaitable
    while getattr(send, "__func__", None) is _SESSION_SEND:
        session = send.__self__
        if (
            type(session) is not InstanceSessionWrapper
            or session.save_message_types != _SESSION_SAVES_AT
            or "send" in vars(session)
        ):
            return None
        send = session.real_send
    return send
