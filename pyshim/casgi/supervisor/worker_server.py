"""The server of a worker: it listens on sockets that it inherits, when the supervisor says so.

    made -- ready --> waiting -- SERVE --> serving -- LEAVE, STOP or a signal --> as any server

A supervisor that has gone is as one that stops everything.
"""

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from casgi import _core
from casgi.config import Config
from casgi.draining import WebSocketDrain
from casgi.process import run_process
from casgi.server import Server
from casgi.signals import StopSignals, blocked, handle_in_loop, hold_until_served
from casgi.sockets import BoundSocket
from casgi.status.inspection import Inspection, WorkerInspection
from casgi.stopping import Idle
from casgi.supervisor.channel import Channel, ToSupervisor, ToWorker
from casgi.supervisor.handover import Handover
from casgi.supervisor.stack_signal import write_stacks_if_asked
from casgi.tls import TlsAcceptors
from casgi.watchdog import Watchdog

logger = logging.getLogger("casgi.server")


class _WorkerWatchdog(Watchdog):
    """Sees to it that a worker whose loop is held up does not outlive its supervisor."""

    def __init__(
        self,
        signals: StopSignals,
        close_timeout: float | None,
        connections: Callable[[], int | None],
    ) -> None:
        super().__init__(signals, close_timeout, connections)
        self._stop_signals = signals
        self._supervisor = os.getppid()

    def _look_at_loop(self, now: float) -> None:
        write_stacks_if_asked()  # The main thread may be in C code that no signal interrupts.
        super()._look_at_loop(now)

    def _is_overdue(self, now: float) -> bool:
        if self._stop_signals.first_at is None and os.getppid() != self._supervisor:
            self._stop_signals.first_at = now
        return super()._is_overdue(now)


class WorkerServer(Server):
    """Serves one application in one of several processes."""

    def __init__(
        self, application: Any, config: Config, handover: Handover, end: socket.socket
    ) -> None:
        """Take what the process inherits, and its end of the channel to the supervisor."""
        super().__init__(application, config)
        self._tls = TlsAcceptors(self._proxies, handover.tickets)
        self._handover = handover
        self._end = end
        self._channel: Channel | None = None
        self._may_serve = asyncio.Event()
        self._has_asked_to_leave = False
        self._leaving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start as any server, but listen only when the supervisor says so."""
        self._channel = await Channel.open(self._end, self._on_word, self._stop_once)
        await super().start()

    async def stop(self) -> None:
        """Stop as any server; after that the supervisor has nothing more to say."""
        await super().stop()
        if self._channel is not None:
            self._channel.close()

    def _bind(self) -> list[BoundSocket]:
        return [each.adopt() for each in self._handover.sockets]

    def _start_hub(self) -> None:
        """Leave it to the supervisor."""

    async def _before_listening(self) -> None:
        assert self._channel is not None
        if (zone := os.environ.get("TZ")) and zone.isascii():
            self._channel.say_zone(zone)  # Django has set it; one log has the times of one zone.
        self._channel.say(ToSupervisor.READY)
        await self._may_serve.wait()

    def _on_listening(self, core: _core.Server) -> None:
        """Share the connections out; what is listened on is said by the supervisor."""
        handover = self._handover
        busy_after = self.config.worker_busy_after
        _core.Scoreboard(handover.scoreboard).join(
            core,
            slot=handover.slot,
            seat=handover.seat,
            receiving=handover.receiving,
            sending=handover.sending,
            busy_after=math.inf if busy_after is None else busy_after,
        )
        assert self._channel is not None
        # The listeners are looked at from the next turn of the loop on.
        asyncio.get_running_loop().call_soon(self._channel.say, ToSupervisor.SERVING)

    def _make_inspection(self) -> Inspection:
        scoreboard = _core.Scoreboard(self._handover.scoreboard)
        slot, worker = self._handover.slot, self._handover.seat + 1
        return WorkerInspection(self.config, scoreboard, slot, worker)

    def _take_signals(self, until: contextlib.ExitStack) -> None:
        stop_signals = until.enter_context(StopSignals(self._on_stop_signal, (signal.SIGTERM,)))
        timeout = self.config.seconds_to_leave()
        until.enter_context(_WorkerWatchdog(stop_signals, timeout, self._open_connections))
        if handle_in_loop(signal.SIGUSR1, self.reopen_logs):
            until.callback(_hold_again)

    def _on_stop_signal(self) -> None:
        """Ask to leave: the supervisor knows whether somebody follows, or everything stops."""
        if self._channel is not None:
            self._channel.say(ToSupervisor.LEAVING)
        if self._core is None or self._has_asked_to_leave:
            self.request_stop()
        self._has_asked_to_leave = True

    def _begin_leaving(self) -> None:
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        """Keep what is idle for its next request, and let the WebSockets go; then stop."""
        core = self._core
        if core is not None and not self._stop_requested.is_set():
            logger.info("Leaving: another worker serves")
            core.leave()
            drain = WebSocketDrain(core, self.config.drain)
            draining = asyncio.create_task(drain.run(self._stop_requested))
            await Idle(core, self._idle)(self.config.linger, self._stop_requested)
            await draining
        self._stop_once()

    def _on_word(self, word: str) -> None:
        match word:
            case ToWorker.SERVE.value:
                self._may_serve.set()
            case ToWorker.LEAVE.value:
                self._begin_leaving()
            case ToWorker.STOP.value:
                self._stop_once()
            case ToWorker.ABORT.value:
                self.request_stop()
                self.request_stop()
            case ToWorker.REOPEN_LOGS.value:
                self.reopen_logs()

    def _stop_once(self) -> None:
        if not self._stop_requested.is_set():
            self.request_stop()


def _hold_again() -> None:
    """When there is no server any more: threads may keep the process for a while."""
    with blocked([signal.SIGUSR1]):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)
        hold_until_served()


def run_worker(
    application: Any, config: Config, inherited: tuple[Handover, socket.socket], debug: bool | None
) -> int:
    """Serve until the supervisor ends it; return the exit code."""
    return run_process(WorkerServer(application, config, *inherited), debug=debug)
