"""What is known of a consumer that Channels runs, without running any code of its class.

A consumer may have properties, slots and `__getattribute__` of its own, under the very names that
Channels uses. So nothing here reads an attribute in the ordinary way: an attribute counts when it
is in the instance, and no class could answer for it.
"""

from collections.abc import Sequence
from functools import partial
from types import MethodType
from typing import Any

from asgiref.sync import SyncToAsync
from channels.consumer import AsyncConsumer

from casgi.channels.local import LocalChannels

_MRO = type.__dict__["__mro__"]
_NAMESPACE = type.__dict__["__dict__"]
_ATTRIBUTES = AsyncConsumer.__dict__["__dict__"]


def attributes_of(consumer: AsyncConsumer) -> dict[str, Any]:
    """Return the attributes that are in the instance itself."""
    attributes: dict[str, Any] = _ATTRIBUTES.__get__(consumer)
    return attributes


def is_own(consumer: AsyncConsumer, name: str) -> bool:
    """Whether an attribute is in the instance, and reading it ends there."""
    if name not in attributes_of(consumer):
        return False
    for owner in _MRO.__get__(type(consumer))[:-1]:
        namespace = _NAMESPACE.__get__(owner)
        if name in namespace or "__getattribute__" in namespace:
            return False
        if "__dict__" in namespace and namespace["__dict__"] is not _ATTRIBUTES:
            return False
    return True


def consumer_of(dispatch: object) -> AsyncConsumer | None:
    """Return the consumer whose dispatch method this is, or None."""
    consumer: object = None
    if type(dispatch) is MethodType:
        consumer = dispatch.__self__
    elif type(dispatch) is partial and dispatch.args:
        # SyncConsumer.dispatch is an object of asgiref, which binds by a partial.
        call: Any = dispatch.func
        if type(call) is MethodType and issubclass(type(call.__self__), SyncToAsync):
            consumer = dispatch.args[0]
    return consumer if issubclass(type(consumer), AsyncConsumer) else None


def place_of(
    callables: Sequence[object], consumer: AsyncConsumer
) -> tuple[LocalChannels, str] | None:
    """Return where the consumer's channel is and its name, when its layer is one of ours.

    What waits for the channel must be what Channels' `__call__` has made for this very consumer.
    """
    receive = callables[-1]
    if len(callables) != 2 or attributes_of(consumer).get("channel_receive") is not receive:
        return None
    if type(receive) is not partial or len(receive.args) != 1 or receive.keywords:
        return None
    # A subclass, or somebody who wraps the method, has a receive() of its own: it is to be called.
    method = receive.func
    if type(method) is not MethodType or not _is_ours(method):
        return None
    is_as_read = getattr(method.__self__, "is_as_read", None)
    if is_as_read is not None and not is_as_read():
        return None
    local, name = getattr(method.__self__, "local", None), receive.args[0]
    return (local, name) if isinstance(local, LocalChannels) and type(name) is str else None


def _is_ours(method: MethodType) -> bool:
    """Whether this is the `receive()` of a layer class of casgi's."""
    home = getattr(method.__func__, "__globals__", {}).get("__name__", "")
    name = getattr(method.__func__, "__qualname__", "")
    return home.startswith("casgi.channels.") and name.endswith("ChannelLayer.receive")
