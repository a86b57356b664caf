"""What a consumer's class must be like for one of its handlers to run once.

A shareable handler uses its consumer only by calling its methods, so all that its class can do
otherwise is take part in the lookup of attributes or in what sending does. These are the rules:
  - every class of the MRO has the metaclass `type`, or that of `abc.ABC`;
  - Channels' own classes in it form one of Channels' own chains, and are as their file says;
  - no other class in it, wherever it stands, defines a name of DECISIVE.
Other methods, `send_json` among them, count only if the handler uses them; then they are proved.
"""

import abc
import typing
from types import FunctionType, ModuleType

import channels.consumer
import channels.db
import channels.generic.websocket
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)

from casgi.channels.sharing.facts import ABSENT, Facts, mro_of, namespace_of
from casgi.channels.sharing.rejection import Rejected
from casgi.channels.sharing.source import is_as_written

DECISIVE = frozenset(
    {
        *["send", "base_send", "dispatch", "_sync", "__call__"],
        # All by which a class takes part in making an instance and in the lookup of its attributes.
        *["__getattribute__", "__getattr__", "__setattr__", "__delattr__"],
        *["__new__", "__del__", "__slots__", "__class__"],
    }
)
ASYNC_CHAIN = (AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer, AsyncConsumer)
SYNC_CHAIN = (JsonWebsocketConsumer, WebsocketConsumer, SyncConsumer, AsyncConsumer)
CHAINS = frozenset(
    {*(ASYNC_CHAIN[start:] for start in range(3)), *(SYNC_CHAIN[start:] for start in range(3))}
)
# Which decisive names Channels' classes define.
OWN = {
    AsyncConsumer: {"__call__", "_sync", "dispatch", "send"},
    SyncConsumer: {"_sync", "dispatch", "send"},
    WebsocketConsumer: {"send"},
    AsyncWebsocketConsumer: {"send"},
    JsonWebsocketConsumer: set[str](),
    AsyncJsonWebsocketConsumer: set[str](),
}
METACLASSES = (type, abc.ABCMeta)
# They define `__slots__`, which are none.
WITHOUT_SLOTS = (abc.ABC, typing.Generic)
RESERVED = frozenset(
    name for owner in OWN for name in namespace_of(owner) if not name.startswith("__")
)


def function_of(raw: object, facts: Facts) -> object:
    """Return the plain function in what stands in a class."""
    if type(raw) is classmethod or type(raw) is staticmethod:
        return facts.wrapped(raw)
    if type(raw) is channels.db.DatabaseSyncToAsync:
        return facts.name(vars(raw), "func")
    return raw


def find(consumer_class: type, name: str) -> object:
    """Return what the MRO has under a name as it stands there, else ABSENT."""
    for owner in mro_of(consumer_class):
        raw = namespace_of(owner).get(name, ABSENT)
        if raw is not ABSENT:
            return raw
    return ABSENT


class ConsumerClass:
    """A class that keeps the rules; making it raises Rejected at one that does not.

    Attributes:
        owner: the class itself.
        is_sync: its handlers run in threads.

    """

    def __init__(self, owner: type, facts: Facts) -> None:
        self.owner = owner
        self._facts = facts
        self._mro = facts.mro(owner)
        for base in self._mro:
            if not any(facts.type_of(base) is each for each in METACLASSES):
                raise Rejected(f"has the metaclass {type(base).__name__} ({base.__name__})")
        if tuple(base for base in self._mro if base in OWN) not in CHAINS:
            raise Rejected("is no handler of a WebSocket consumer, or of several kinds at once")
        self._check_naming()
        for base in self._mro[:-1]:
            self._check_names(base)
        self.is_sync = SyncConsumer in self._mro

    def find(self, name: str) -> object:
        """Return what the MRO has under a name as it stands there, else ABSENT."""
        for base in self._mro:
            raw = self._facts.name(base, name)
            if raw is not ABSENT:
                return raw
        return ABSENT

    def is_channels_own(self, name: str, raw: object) -> bool:
        """Whether what find() gave for a name is Channels' own method."""
        first = next((base for base in self._mro if name in namespace_of(base)), None)
        return first in OWN and raw is not ABSENT

    def own_methods(self, name: str) -> list[FunctionType]:
        """Return what Channels' classes of this one define under a name."""
        found = []
        for base in (base for base in self._mro if base in OWN):
            function = function_of(self._facts.name(base, name), self._facts)
            if type(function) is FunctionType:
                if not is_of_channels(function, f"{base.__name__}.{name}"):
                    raise Rejected(f"sends by {base.__name__}.{name}, which was replaced")
                found.append(function)
        return found

    def _check_names(self, base: type) -> None:
        expected = OWN.get(base, set())
        for name in sorted(DECISIVE):
            raw = self._facts.name(base, name)
            if base in WITHOUT_SLOTS and name == "__slots__" and raw == ():
                continue
            if (raw is not ABSENT) is not (name in expected):
                raise _defines(base, name, function_of(raw, self._facts))
            if name in expected:
                self._check_own(base, name, raw)

    def _check_own(self, base: type, name: str, raw: object) -> None:
        """Check that a decisive name of one of Channels' classes is as their file says."""
        if name == "_sync":
            is_own = raw is (base is SyncConsumer)
        else:
            self._facts.type_of(raw)
            function = function_of(raw, self._facts)
            is_own = is_of_channels(function, f"{base.__name__}.{name}")
            if type(function) is FunctionType:
                self._facts.function(function)
        if not is_own:
            raise Rejected(f"sends by {base.__name__}.{name}, which was replaced")

    def _check_naming(self) -> None:
        """Check which method a message's type names."""
        naming = self._facts.name(vars(channels.consumer), "get_handler_name")
        if not is_of_channels(naming, "get_handler_name"):
            raise Rejected("is found by get_handler_name(), which was replaced")
        assert isinstance(naming, FunctionType)
        self._facts.function(naming)


def is_of_channels(function: object, qualified: str) -> bool:
    """Whether this is the function of that name which a file of Channels defines."""
    if type(function) is not FunctionType:
        return False
    module: ModuleType
    for module in (channels.consumer, channels.generic.websocket):
        if function.__globals__ is vars(module):
            break
    else:
        return False
    code = function.__code__
    # From 3.11 on, the code itself knows its qualified name.
    is_there = code.co_filename == module.__file__ and code.co_qualname == qualified
    return is_there and is_as_written(function)


def _defines(owner: type, name: str, function: object) -> Rejected:
    """Say which decisive name a class has that it must not have, or lacks."""
    code = function.__code__ if type(function) is FunctionType else None
    return Rejected(
        f"belongs to a class in which {owner.__name__} defines {name}",
        code and code.co_firstlineno,
        code and code.co_filename,
    )
