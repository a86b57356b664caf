"""One run of a case: the server, its clients and what outside code does, on one event loop."""

from __future__ import annotations

import json
import logging
from collections.abc import Coroutine
from typing import Any

from casgi.config import Config
from casgi.server import Server
from equivalence.client import Client
from equivalence.program import (
    Action,
    Adds,
    AtOnce,
    Broadcasts,
    Connects,
    Leaves,
    Opens,
    Removes,
    Says,
    SaysBytes,
    Tells,
    Vanishes,
)
from equivalence.quiet_loop import QuietLoop
from equivalence.world import World, enter


class Errors(logging.Handler):
    """The exceptions that were logged."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self.seen.append(f"{type(error).__name__}: {error}")


class Stage:
    """Does one action after the other, and waits until nothing moves in between."""

    def __init__(self, loop: QuietLoop, module: Any, path: str, mode: str) -> None:
        self.loop = loop
        self.layer = module.LAYER
        self.path = path
        self.world = enter(World(loop))
        self.clients: dict[str, Client] = {}
        self.outside: list[str] = []
        self.actions = 0
        self.leaves_groups_early = False
        """Whether memberships in stock groups end with the connection, as they do accelerated."""
        self.errors = Errors()
        self.server = Server(module.application, config(path, mode))

    def play(self, actions: tuple[Action, ...]) -> dict[str, Any]:
        logger = logging.getLogger("casgi")
        logger.addHandler(self.errors)
        self.loop.run_until_complete(self.server.start())
        try:
            for action in actions:
                self.actions += 1
                self.act(action)
                self.wait_until_quiet()
            seen = self.end()
        finally:
            # Nothing is to be waited for: what is still there never ends by itself.
            self.server.request_stop()
            self.server.request_stop()
            self.loop.run_until_complete(self.server.stop())
            logger.removeHandler(self.errors)
        return seen | {"aborted": self.server.was_aborted}

    def end(self) -> dict[str, Any]:
        """Open all gates, let the clients go, and tell what was seen."""
        self.actions += 1
        for name in self.clients:
            self.world.open_all(name)
        self.wait_until_quiet()
        self.actions += 1
        for name in self.clients:
            self.world.open(name, "later")
        self.wait_until_quiet()
        self.actions += 1
        for client in self.clients.values():
            client.leave(1000)
        self.wait_until_quiet()
        seen = {name: client.seen() for name, client in self.clients.items()}
        for client in self.clients.values():
            if not client.has_ended:
                client.vanish()
        self.wait_until_quiet()
        for task in self.world.tasks:
            task.cancel()
        self.wait_until_quiet()
        return {
            "clients": seen,
            "journals": dict(self.world.journals),
            "outside": self.outside,
            "errors": self.errors.seen,
            # Not compared: how many frames came from a handler that ran for all.
            "shared": getattr(getattr(self.layer, "local", None), "shared", 0),
        }

    def wait_until_quiet(self) -> None:
        """Wait until nothing moves.

        A consumer does not outlive its client at a gate: stock Channels would go on to give it
        messages to its groups, which accelerated it has left with its connection.
        """
        while True:
            self.loop.run_until_quiet()
            heard = [client.exchange(self.actions) for client in self.clients.values()]
            gone = [name for name, client in self.clients.items() if client.is_going]
            let_go = [self.let_go(name) for name in gone]
            if not any(heard) and not any(let_go):
                return

    def let_go(self, name: str) -> bool:
        """Let a consumer end whose client has; return whether that is new."""
        self.end_memberships(name)
        return self.world.open_all(name)

    def end_memberships(self, name: str) -> None:
        if self.leaves_groups_early and name in self.world.channels:
            for members in self.layer.groups.values():
                members.pop(self.world.channels[name], None)

    def act(self, action: Action) -> None:
        match action:
            case AtOnce(actions):
                for each in actions:
                    self.actions += 1
                    self.act(each)
                    self.loop.run_for_a_while()
            case Connects(name, number):
                if name not in self.clients:
                    self.clients[name] = Client(self.path, f"/{number}/{name}")
            case Opens(name, gate):
                self.world.open(name, gate)
            case Broadcasts(group, type_, number):
                message = {"type": type_, **self.event(number, depth=1)}
                self.from_outside(self.layer.group_send(group, message))
            case Tells() | Adds() | Removes():
                self.act_on_channel(action)
            case _:
                self.act_as_client(action)

    def act_as_client(self, action: Action) -> None:
        client = self.clients.get(action.client)
        if client is None or client.has_ended:
            return
        match action:
            case Says(_, command, number):
                client.say(json.dumps({"command": command, **self.event(number)}))
            case SaysBytes(_, command, number):
                client.say_bytes(json.dumps({"command": command, **self.event(number)}).encode())
            case Leaves(_, code):
                client.leave(code)
                self.end_memberships(action.client)
            case Vanishes():
                client.vanish()
                self.end_memberships(action.client)

    def act_on_channel(self, action: Tells | Adds | Removes) -> None:
        channel = self.world.channels.get(action.client)
        if channel is None or self.clients[action.client].is_going:
            # The channel of a consumer that failed goes on filling in stock Channels.
            return
        match action:
            case Tells(_, type_, number):
                message = {"type": type_, **self.event(number, depth=1)}
                self.from_outside(self.layer.send(channel, message))
            case Adds(_, group):
                self.from_outside(self.layer.group_add(group, channel))
            case Removes(_, group):
                self.from_outside(self.layer.group_discard(group, channel))

    def from_outside(self, coroutine: Coroutine[Any, Any, None]) -> None:
        number = self.actions

        async def call() -> None:
            try:
                await coroutine
            except Exception as error:
                self.outside.append(f"{number} {type(error).__name__}")

        self.world.tasks.append(self.loop.create_task(call()))

    def event(self, number: int, depth: int = 0) -> dict[str, Any]:
        """Return an event whose text says which action it comes from."""
        return {"text": f"<{self.actions}>", "n": number, "depth": depth, "items": []}


def config(path: str, mode: str) -> Config:
    never = ["header_timeout", "keep_alive_timeout", "websocket_timeout", "ping_interval"]
    never += ["websocket_connect_timeout", "ping_timeout", "application_close_timeout"]
    return Config(
        unix_socket=path,
        lifespan="off",
        accelerate=not mode.startswith("stock"),
        verify_shared=mode == "verifying",
        **dict.fromkeys(never, None),
    )
