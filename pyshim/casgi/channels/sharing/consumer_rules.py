"""What a consumer's class must be like for one of its handlers to run once.

A shareable handler touches its consumer only by calling methods that send, so all that its class
can do is take part in the lookup of attributes or in what sending does. These are the rules:
  - every class of the MRO has the metaclass `type` itself;
  - Channels' own classes in it form one of Channels' own chains, and are as they were;
  - no other class in it, wherever it stands, defines a name of DECISIVE.
They are checked anew for every message, since classes can be changed: a few set operations.
"""

from collections.abc import Iterable
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

from casgi.channels.sharing.known_functions import ABSENT, Fact, hold, is_from, known
from casgi.channels.sharing.obstacle import Obstacle

SENDING = ("send", "send_json", "encode_json")
DECISIVE = frozenset(
    {
        *[*SENDING, "base_send", "dispatch", "_sync", "__call__"],
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


def function_of(raw: object) -> object:
    """Return the plain function in what stands in a class of Channels."""
    match raw:
        case classmethod():
            return raw.__func__
        case channels.db.DatabaseSyncToAsync():
            return raw.func
    return raw


def _own_names(owner: type) -> dict[str, object]:
    """Return the decisive names of one of Channels' classes; raise Obstacle if any was replaced."""
    module: ModuleType = {
        channels.consumer.__name__: channels.consumer,
        channels.generic.websocket.__name__: channels.generic.websocket,
    }[owner.__module__]
    own = {name: vars(owner)[name] for name in DECISIVE.intersection(vars(owner))}
    for name, raw in own.items():
        if name != "_sync" and not is_from(function_of(raw), module):
            raise Obstacle(f"sends by {owner.__name__}.{name}, which was replaced")
    return own


def _own_classes() -> dict[type, dict[str, object]] | None:
    """Return Channels' classes as they are, None when something has replaced parts of them."""
    try:
        return {owner: _own_names(owner) for owner in (*ASYNC_CHAIN, *SYNC_CHAIN)}
    except Obstacle:
        return None


OWN = _own_classes()
# Which method a message's type names.
NAMING: Fact = (vars(channels.consumer), "get_handler_name", channels.consumer.get_handler_name)
RESERVED = frozenset(
    name for owner in (*ASYNC_CHAIN, *SYNC_CHAIN) for name in vars(owner) if name[:2] != "__"
)


def check_class(consumer_class: type) -> None:
    """Raise Obstacle if the class could make a difference between its instances."""
    mro = consumer_class.__mro__
    for owner in mro:
        if type(owner) is not type:
            raise Obstacle(f"has the metaclass {type(owner).__name__} ({owner.__name__})")
    if OWN is None or not hold((NAMING,)):
        raise Obstacle("belongs to a release of Channels that was patched")
    if tuple(owner for owner in mro if owner in OWN) not in CHAINS:
        raise Obstacle("is no handler of a WebSocket consumer, or of several kinds at once")
    for owner in mro[:-1]:
        names, own = vars(owner), OWN.get(owner, {})
        found = DECISIVE.intersection(names)
        if found != own.keys() or any(names[name] is not raw for name, raw in own.items()):
            raise _overridden(owner, found, own)


def _overridden(owner: type, found: Iterable[str], own: dict[str, object]) -> Obstacle:
    """Say which decisive name a class has that it must not have."""
    has = vars(owner)
    names = sorted({*found, *own})
    wrong = next(name for name in names if has.get(name, ABSENT) is not own.get(name, ABSENT))
    function = function_of(has.get(wrong))
    code = function.__code__ if isinstance(function, FunctionType) else None
    return Obstacle(
        f"belongs to a class in which {owner.__name__} defines {wrong}",
        code and code.co_firstlineno,
        code and code.co_filename,
    )


def find(consumer_class: type, name: str) -> object:
    """Return what the MRO has under a name as it stands there, else ABSENT."""
    for owner in consumer_class.__mro__:
        raw = vars(owner).get(name, ABSENT)
        if raw is not ABSENT:
            return raw
    return ABSENT


def sending_methods(consumer_class: type, used: Iterable[str]) -> tuple[tuple[str, object], ...]:
    """Return the names and functions of Channels by which a handler sends."""
    names = {*used, *(SENDING if "send_json" in used else ())}
    found = ((name, find(consumer_class, name)) for name in SENDING if name in names)
    return tuple((name, function_of(raw)) for name, raw in found if raw is not ABSENT)


def json_facts() -> tuple[Fact, ...]:
    """Return what send_json relies on: Channels' own encode_json calls json.dumps."""
    json = vars(channels.generic.websocket)["json"]
    dumps = known(vars(json).get("dumps"))
    if dumps is None:
        raise Obstacle("sends by json.dumps, which was replaced")
    return ((vars(channels.generic.websocket), "json", json), *dumps.relies_on)
