"""The Python face of the C extension."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from selectors import BaseSelector, SelectorKey
from typing import Any, Protocol, final

from casgi.asgi import Application

class ClientDisconnected(OSError):
    """Raised by send() of a WebSocket that is closed."""

@final
class Selector(BaseSelector):
    """A libuv loop with the interface of `selectors.BaseSelector`.

    `casgi.loop.new_event_loop()` makes the loop of a casgi process with it.
    """

    def unblock(self) -> bool:
        """From any thread: end the select() that waits, or let the next not wait.

        Returns False when this one cannot be ended so: write to a registered file object then.
        """

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey: ...
    def unregister(self, fileobj: Any) -> SelectorKey: ...
    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey: ...
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]: ...
    def close(self) -> None: ...
    def get_key(self, fileobj: Any) -> SelectorKey: ...
    def get_map(self) -> Any: ...

@final
class ProxyAcceptor:
    """The proxies that begin connections with the PROXY protocol, which listening sockets want."""

    def __init__(self, allowed: str) -> None:
        """Take addresses and networks, "127.0.0.1,10.0.0.0/8", or "*"; raise ValueError."""

class TlsAcceptor:
    """The certificates of listening sockets, which can be changed while they listen."""

    def __init__(self, proxies: ProxyAcceptor | None = None) -> None:
        """Take whose connections come first through such a proxy."""

    def load(
        self,
        certificates: tuple[tuple[str, str | None, str | None, str | None], ...],
        *,
        ca_certs: str | None = None,
        verify: int = 0,
        ciphers: str | None = None,
        needs_tls_1_3: bool = False,
        http2: bool = True,
        ocsp: tuple[str, ...] = (),
    ) -> None:
        """Use these files for the handshakes to come.

        Each certificate is (certfile, keyfile, password, chainfile); `verify` is as ssl.CERT_*.
        `ocsp` are files with responses to staple, each about one of the certificates.
        Raises ValueError with the reason, everything then being as before.
        """

    def share_tickets(self, secret: bytes, since: int, /) -> None:
        """Let sessions be resumed by all who have the same 32 bytes, new at `since`.

        `since` is seconds since 1970. Raises ValueError after `load()`.
        """

    def expires_in(self) -> int:
        """Return the seconds until the first certificate expires, negative when one has.

        Raises RuntimeError before `load()`.
        """

    def ocsp_expires_in(self) -> int | None:
        """Return the seconds until the first stapled response is out of date, negative when one is.

        None without any. Raises RuntimeError before `load()`.
        """

@final
class Scoreboard:
    """What workers say of themselves, in memory that all of them share."""

    def __init__(self, fd: int = -1) -> None:
        """Make the memory, or map that of an inherited descriptor, which is copied."""

    def fileno(self) -> int:
        """Return the descriptor to inherit."""

    @staticmethod
    def layout() -> str:
        """Return what the memory is like: only who has the same can read it."""

    def read(self, slot: int, /) -> tuple[int, int, float, dict[str, int]]:
        """Return what the worker of a slot says.

        Its state (0 free, 1 serving, 2 leaving), open connections, the seconds that its turn lasts
        (0 while it waits), and its metrics.
        """

    def free(self, slot: int, /) -> None:
        """Take a slot back from a worker that has ended, and zero it."""

    def forget_passed(self, seat: int, /) -> None:
        """Let nothing count as on its way to a seat: what was has gone to others, or is lost."""

    def watch(self, server: Server, slot: int, look: Callable[[], object], /) -> None:
        """Note from now on in a slot how long each turn of a server's loop lasts, and each request.

        `look` is called once a second, in the loop, until the server is closed.
        Raises RuntimeError for a server that is watched already.
        """

    def note(self, slot: int, values: dict[str, int], /) -> None:
        """Set those of the observed values that are in the dict, and count the core's objects."""

    def observed(
        self, slot: int, /
    ) -> tuple[
        tuple[tuple[int, ...], float],
        dict[str, int],
        dict[str, int],
        dict[str, tuple[tuple[int, ...], float]],
    ]:
        """Return the turns, the values, the objects by kind, and the times by route of a slot.

        Times are how many came into each bucket, and the seconds of all of them.
        """

    @staticmethod
    def bounds() -> tuple[float, ...]:
        """Return the seconds up to which each bucket of times goes; the last has no bound."""

    def join(
        self,
        server: Server,
        /,
        *,
        slot: int,
        seat: int,
        receiving: int,
        sending: tuple[int, ...],
        busy_after: float,
    ) -> None:
        """Let a Server that listens balance its connections with the others.

        It writes the slot, takes the connections that come on `receiving`, and passes what it has
        too much to the seats, whose descriptors `sending` are, but for those in one turn for more
        than `busy_after` seconds. Raises RuntimeError when it has joined already.
        """

@final
class Server:
    """Serves one application on one event loop.

    On a loop made with `Selector` it shares its libuv loop; on any other it rides on it through
    add_reader and call_later.
    """

    on_idle: Callable[[], object] | None
    """Called when connections and tasks have both come to 0."""

    on_slow_consumer: Callable[[dict[str, Any], str, int, int, int], object] | None
    """Called when clients have not kept up with their groups, once a second at most.

    With the scope of one of them, what was done (a key of `slow_consumers`), its unsent bytes then,
    how many group messages it has lost so far, and how many events there were beside this one since
    the last call.
    """

    route_matches: ContextVar[list[Any]] | None
    """Set to a list of its own for each request that is timed, if there is one: who is asked for a
    route appends what the route was matched by, whose `route` is the template."""

    drops_late_messages: bool
    """Whether every application's late messages are dropped: see `drop_late_messages()`."""

    on_overdue: Callable[[str, asyncio.Task[Any]], object] | None
    """Called with the request when an application is cancelled that has not ended in time after its
    client had gone."""

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        *,
        access_log_fd: int = -1,
        state: dict[str, Any] | None = None,
        static_files: Iterable[tuple[str, str, bool]] = (),
        **settings: Any,
    ) -> None:
        """Take what starting makes, and what `Config.core_options()` returns."""

    @property
    def connections(self) -> int:
        """Open connections."""

    @property
    def websockets(self) -> int:
        """WebSockets, closing ones included."""

    @property
    def tasks(self) -> int:
        """Application tasks that have not finished."""

    @property
    def turn_seconds(self) -> float:
        """How long the turn of its loop lasts by now; 0 while it waits, or is not watched.

        See `Scoreboard.watch()`. Of several workers, `Scoreboard.read()` says it.
        """

    @property
    def slow_consumers(self) -> dict[str, int]:
        """Group members that did not keep up, so far: by what was done.

        "closed" WebSockets; "dropped_oldest" and "dropped_newest" messages. 0 in a closed server.
        """

    def unfinished(self) -> list[tuple[str, asyncio.Task[Any]]]:
        """Return the requests whose applications have not ended, the latest last."""

    def listen(
        self,
        fd: int,
        backlog: int = 2048,
        acceptor: TlsAcceptor | ProxyAcceptor | None = None,
        /,
    ) -> None:
        """Listen on a bound stream socket, of which a copy is kept; the caller keeps its own.

        With an acceptor, clients have to speak TLS, or proxies the PROXY protocol. Raises
        ValueError before the `load()` of a TlsAcceptor.
        """

    def metrics(self) -> dict[str, int]:
        """Return what it has done since it began, as counts that only grow: csrc/base/metrics.h.

        All 0 once it is closed.
        """

    def list_connections(
        self,
    ) -> list[tuple[int, str, int, str, str | None, float, int, bool, float]]:
        """Return what there is to say of each connection; on any thread.

        Its number, the peer's host and port, its state, the protocol, its age in seconds, unsent
        bytes, whether it is encrypted, and the seconds since a byte came.
        """

    def running(
        self,
    ) -> list[
        tuple[
            int,
            dict[str, Any],
            asyncio.Task[Any] | None,
            float,
            tuple[int, int, int, int, int, int] | None,
        ]
    ]:
        """Return what there is to say of each application that runs; on any thread.

        The number of its connection, 0 when the client has gone; scope, task, seconds; and of a
        WebSocket messages in and out, bytes in and out, unsent bytes and lost messages.
        """

    def group_sizes(self) -> dict[str, int]:
        """Return the members that each group of the extension websocket.group has here."""

    def group_totals(self) -> tuple[int, int, int]:
        """Return how many such groups there are, their members, and those of the largest."""

    def unsent_bytes(self) -> int:
        """Return the bytes that wait for clients."""

    def kick(self, number: int, code: int, reason: str, /) -> bool:
        """Close a connection: a WebSocket's with this code, or with 0 at once, as any other.

        Returns whether there is a connection of this number. On the loop's thread.
        """

    def change(self, option: str, value: Any, /) -> None:
        """Set an option by its keyword, for whatever looks at it from now on.

        Raises KeyError for a name that is none.
        """

    def stop_listening(self) -> None:
        """Accept no more connections. Can be called again."""

    def leave(self) -> None:
        """Accept no more connections, another server having its place.

        Those that there are go on, and their next answer says "Connection: close".
        """

    def close_websockets(self, most: int, /) -> int:
        """Close so many WebSockets with 1012; return how many, fewer when none is left."""

    def shutdown(self) -> None:
        """Let everything end in order.

        Idle connections close, running requests finish with "Connection: close", WebSockets get
        close 1012 and their applications websocket.disconnect. Streamed responses that wait get
        http.disconnect.
        """

    def abort(self) -> None:
        """Close every connection now and cancel every application task."""

    def close(self) -> None:
        """Free everything, after abort() if need be. Can be called again."""

    def leave_to_parent(self) -> None:
        """Let nothing that a forked child does from now on reach the parent's connections."""

@final
class AsyncMethod:
    """The receive or send of a request or WebSocket, as the application is given it."""

    @property
    def __self__(self) -> object: ...
    def __call__(self, message: dict[str, Any] = ..., /) -> Awaitable[Any]: ...

@final
class Outcome:
    """What a send() returns that has nothing to wait for; any thread may ask for the result."""

    def send(self, value: None, /) -> Any:
        """As coroutine.send(): StopIteration with the result, or an error."""

@final
class WsCycle:
    """One WebSocket of the application: what its receive and send are bound to."""

    def next_event(self) -> Awaitable[dict[str, Any]]:
        """Wait for the next event of the client, or of the channel that listens.

        While both have events they come in turn, the client's first.
        """

@final
class Channel:
    """A channel of a layer in this process. Made by `ChannelTable.open`."""

    name: str
    consumer: Any
    """The consumer that listens, or None."""
    loop: asyncio.AbstractEventLoop | None
    """The loop of the consumer that listens, or None."""
    is_idle: bool
    """Whether its WebSocket would take a shared frame now."""

    def listen(
        self, receive: object, send: object, consumer: object, base_send: object, plan: object
    ) -> WsCycle | None:
        """Make the messages come out of the WebSocket's next_event().

        None when `receive` is no casgi WebSocket's, or of another loop than those that listen
        already. Shared frames are put into the WebSocket if `send` is its own, `plan` is a
        SharingPlan, and the consumer's base_send still is `base_send`.
        """

    def close(self) -> None:
        """Stop listening: leave all groups and drop the messages."""

    def wake(self) -> None:
        """Wake who listens; on the thread of its loop."""

@final
class Hub:
    """Groups and channels for all processes of a host, served on a thread without the GIL."""

    def __init__(
        self, path: str | os.PathLike[str], mode: int = 0o600, uid: int = -1, gid: int = -1
    ) -> None:
        """Remember where it is to be found, and what mode and owner the socket has."""

    @property
    def path(self) -> str:
        """Where it is found."""

    def start(self) -> None:
        """Bind the path and serve it. Raise OSError: EADDRINUSE if another hub answers there."""

    def stop(self) -> None:
        """Close all connections, end the thread, remove the path. Can be called again."""

    def metrics(self) -> dict[str, int]:
        """Return what it serves now and has done since the start; all 0 while it is stopped."""

    def leave_to_parent(self) -> None:
        """In a forked child, which does not have the thread: let nothing reach the hub."""

class HubHandler(Protocol):
    """What a HubClient calls."""

    def on_deliver(self, topic: bytes, payload: bytes) -> bool | None:
        """Take a message of a topic. False: no more until resume()."""
    def on_message(self, channel: bytes, payload: bytes) -> bool | None:
        """Take a message of a channel that was asked for. False: no more until resume()."""
    def on_acked(self) -> None:
        """Notice that `acked` has come to what notify() was called with, or that it is down."""
    def on_failed(self, number: int, failure: int) -> None:
        """Notice that the hub could not do what has this number: 1 full, 2 hub full, 3 nobody."""
    def on_up(self, again: int) -> None:
        """Notice that the hub has answered."""
    def on_gap(self) -> None:
        """Notice that messages may have been lost."""
    def on_down(self) -> None:
        """Notice that the connection is lost."""

@final
class HubClient:
    """A process's connection to the hub, on a server's event loop or one of its own.

    What asks something of the hub returns the number that `acked` comes to when it is done, -7 when
    there is no connection (see `reason`), -3 when the hub has not read what was sent before.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        project: bytes,
        handler: HubHandler,
        server: Server | None = None,
        silence: float = ...,
    ) -> None:
        """Make a client that is not connected; it has a loop of its own without a server.

        A hub that says nothing for `silence` seconds, of what it is asked, counts as dead.
        """

    @property
    def acked(self) -> int:
        """The number up to which the hub has answered."""
    @property
    def has_credit(self) -> bool:
        """Whether it is connected, and the hub has read enough for more to be sent."""
    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
    @property
    def is_trusted(self) -> bool:
        """Whether what was sent counts as done: the hub lived a moment ago.

        Without a server's loop the kernel has all of it, too: it arrives even if this process ends.
        """
    @property
    def reason(self) -> str:
        """Why there is no connection."""
    def connect(self) -> bool:
        """Connect unless it is connected; False when that is not possible now."""
    def publish(self, topic: bytes, payload: bytes, wants_receiver: bool = False) -> int:
        """Publish to all others that have announced the topic."""
    def send(
        self,
        channel: bytes,
        payload: bytes,
        capacity: int,
        milliseconds: int,
        is_noted: bool = False,
    ) -> int:
        """Send to a channel in which so many messages wait at most, for so long.

        A message that is noted has no capacity; when it is lost, an empty one takes its place.
        """
    def receive(self, channel: bytes) -> int:
        """Ask for one message of a channel."""
    def abandon(self, channel: bytes) -> int:
        """Ask for one message less."""
    def join(
        self, topic: bytes, channel: bytes, capacity: int, milliseconds: int, stay: int
    ) -> int:
        """Make a channel that is nobody's own a member, for `stay` milliseconds."""
    def leave(self, topic: bytes, channel: bytes) -> int:
        """End that membership."""
    def flush(self, beginning: bytes) -> int:
        """Empty the channels whose names begin so; they leave their topics."""
    def announce(self, topic: bytes) -> int:
        """Have what is published delivered."""
    def withdraw(self, topic: bytes) -> int:
        """Have it delivered no more."""
    def notify(self, number: int) -> bool:
        """Have on_acked() called at this number; False when it is there, or there is no hope."""
    def resume(self) -> None:
        """Go on after on_deliver() or on_message() returned False."""
    def turn(self, seconds: float) -> None:
        """Turn the loop of its own, and wait so long at most. One thread at a time."""
    def wake(self) -> None:
        """End the wait of the thread that is in turn(), or is about to be; from any thread."""
    def close(self) -> None:
        """Close for good; before the server is closed, not from inside a turn."""
    def leave_to_parent(self) -> None:
        """In a forked child: let nothing reach the parent's connection; then it is of no use."""

@final
class ChannelTable:
    """The channels and groups of a layer in this process. Methods may be called in any thread."""

    on_leave: Callable[[str, str], object] | None
    """Called soon with group and channel of each membership that ended, not by discard()."""
    on_group_empty: Callable[[str], object] | None
    """Called soon with the name of a group that lost its last member, not by discard()."""

    dropped: int
    """Group messages that full channels did not get."""
    shared: int
    """Frames that were put into WebSockets without running their consumers."""
    home: asyncio.AbstractEventLoop | None
    """The loop of who listens, or None."""

    def __init__(
        self,
        capacity: Callable[[str], int],
        wake: Callable[[Any], object],
        expiry: float = 60,
        group_expiry: float = 86400,
        discards_oldest: bool = False,
    ) -> None: ...
    def open(self, channel: str, /) -> Channel: ...
    def put(self, channel: str, message: dict[str, Any], beyond_capacity: bool = False, /) -> bool:
        """Take the message, which is not copied. False when the channel is full."""

    def take(self, channel: str, /) -> dict[str, Any] | None: ...
    def wait(self, channel: str, future: asyncio.Future[None], /) -> None:
        """Have wake(future) called once, when a message has come."""

    def abandon(self, channel: str, future: asyncio.Future[None], /) -> None:
        """Let a future wait no more; if it was woken already, the next one is."""

    def add(self, group: str, channel: str, /) -> int | None:
        """Return the number of the membership, which is above those of all before.

        None for a channel whose WebSocket is closed: it stays outside.
        """

    def discard(self, group: str, channel: str, /) -> bool:
        """Return whether the group has lost its last member here."""

    def send(self, group: str, message: dict[str, Any], end: int = ..., /) -> int:
        """Send copies to all members with numbers below `end`; return how many got an event.

        On the thread of `home`; else RuntimeError.
        """

    def publish(self, group: str, message: dict[str, Any], packed: bytes, /) -> tuple[int, bytes]:
        """As send(); the bytes are for deliver() in other processes of the host.

        They are those of the message, `packed`, with what handlers that ran once have come to.
        """

    def deliver(self, group: str, packed: bytes, unpack: Callable[[bytes], Any], /) -> int:
        """As send(), of what publish() has returned in another process.

        `unpack` is called with the bytes of the message when it is needed; it must give a dict.
        Raises what that raises, and ValueError when the bytes are cut off.
        """

    def group_totals(self) -> tuple[int, int, int]:
        """Return how many groups there are, their members, and those of the largest."""

    def members(self, group: str, /) -> list[Channel]: ...
    def joined(self, group: str, /) -> list[tuple[str, float]]:
        """Return the members with the time, of time.monotonic(), at which they joined."""

    def size(self, group: str, /) -> int:
        """Return how many members the group has here."""

    def groups(self) -> list[str]: ...
    def listening(self) -> list[Channel]: ...
    def sizes(self) -> dict[str, int]:
        """Return how many messages wait in each channel that has some, or that somebody reads."""

    def waiting(self, channel: str, /) -> int | None:
        """Return how many messages wait in a channel; None when none do and nobody reads it."""

    def is_listening(self, channel: str, /) -> bool: ...
    def flush(self) -> None: ...

@final
class NativeThread:
    """A thread of the system that calls `turn` again and again, in a new thread state each time."""

    def __init__(self, turn: Callable[[], float | None]) -> None:
        """Start the thread, which waits for `wake`.

        `turn` returns for how many seconds to wait until it is called again, or None to end the
        thread, as does an error, which goes to sys.unraisablehook. Main interpreter only.
        """

    def wake(self, patience: float = 0.0, /) -> None:
        """Have a turn soon; two calls before it are one. RuntimeError when the thread has ended.

        For so many seconds of patience it lets all others have the GIL who wait for it, unless it
        finds the GIL free. A call without patience ends that of another one.
        """

    def is_beginning(self) -> bool:
        """Whether a turn was asked for that waits for nothing but the GIL."""

    def is_ending(self, seconds: float = 0.0, /) -> bool:
        """Whether a turn was asked for, so long ago, that waits for the end of the one before."""

    def found_gil_free(self) -> bool:
        """Whether nobody had the GIL, or waited for it, when the last turn began."""

def copy_message(message: dict[str, Any], /) -> dict[str, Any]:
    """As copy.deepcopy(), fast when all in it is of the types that JSON has."""

def check_access_log_format(text: str) -> None:
    """Raise ValueError with the reason when the access log cannot be written so."""

def copy_plain(message: dict[str, Any], /) -> dict[str, Any] | None:
    """Return a copy, if all in it is of the types that JSON has, or bytes."""

def drop_late_messages(receive: Callable[[], Awaitable[dict[str, Any]]], /) -> None:
    """Drop what is sent after the end without an error, as daphne does.

    It holds for the request or WebSocket of `receive`; when that is no receive of casgi's own, for
    all that is sent in the current context.
    """

@final
class Facts:
    """Facts as `first_broken` takes them, to be looked at again and again."""

    def __init__(self, facts: tuple[tuple[int, object, str, object], ...], /) -> None:
        """Read them; raise TypeError for what is none."""

    def hold(self) -> bool:
        """Return whether all of them do."""

def first_broken(facts: tuple[tuple[int, object, str, object], ...], /) -> int:
    """Return the index of the first fact that does not hold any more, -1 when all do.

    A fact is (kind, holder, name, value), see csrc/channels/facts.c.
    """

def hold_signal(number: int, /) -> None:
    """Note a signal from now on, so that it does not end the process: see take_signal().

    What the process executes has the default again. Raises OSError.
    """

def holds_signal(number: int, /) -> bool:
    """Return whether a signal is noted still: it has no other handler, and not the default."""

def take_signal(number: int, /) -> bool:
    """Return whether a signal has come since it is noted, or since the last call."""

def guard_stack_signal(number: int, /) -> None:
    """Let Python's handler of a signal come before faulthandler's, which is its handler now.

    That is called by the parent's second signal, when Python has not come to its own. Raises
    OSError.
    """

def make_room_for_signals() -> None:
    """Let many signals come at once to the main thread where faulthandler is enabled."""

def take_stack_signal() -> bool:
    """Return whether the stacks are still to be written, by the caller."""

def counters() -> dict[str, int]:
    """Live objects of the core by kind; all 0 once everything is closed."""
