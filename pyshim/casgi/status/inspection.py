"""What can be asked of a server from outside while it serves: --metrics and --control.

Without either of them nothing is noted, and nothing answers.
"""

import asyncio
from collections.abc import Callable

from casgi import _core
from casgi.config import Config
from casgi.control.calling_in import CallingIn
from casgi.control.commands.limits import changeable
from casgi.control.endpoint import ControlSocket
from casgi.control.process import Process
from casgi.control.single import SingleControl
from casgi.loop_thread import LoopThread
from casgi.status.answering import Status, StatusServer, bind_status
from casgi.status.observed import Observed
from casgi.status.observer import Observer
from casgi.status.server_status import server_metrics


class Inspection:
    """Of one process that serves alone."""

    def __init__(
        self,
        config: Config,
        is_ready: Callable[[], bool],
        hub_metrics: Callable[[], dict[str, int]],
    ) -> None:
        """Take whether it is ready, and what its hub counts."""
        self._config = config
        self._hub_metrics = hub_metrics
        self._is_ready = is_ready
        self._observer: Observer | None = None
        self._answering: list[LoopThread | CallingIn] = []
        if config.metrics is not None or config.control is not None:
            self._scoreboard, self._slot = self._place()
            self._observer = Observer(self._scoreboard, self._slot)

    def begin(self, core: _core.Server) -> None:
        """Answer from now on. Raise BindError."""
        self._answer_status(core)
        if self._config.control is not None:
            self._answer_control(self._config.control, core)

    def observe(self, core: _core.Server) -> None:
        """Note how it is from now on: it listens."""
        if self._observer is not None:
            self._observer.begin(core)

    def end(self) -> None:
        """Note nothing more: the core is about to be closed. Can be called again."""
        if self._observer is not None:
            self._observer.end()

    def close(self) -> None:
        """Answer no more. Can be called again."""
        answering, self._answering = self._answering, []
        for each in answering:
            each.close()

    def _place(self) -> tuple[_core.Scoreboard, int]:
        """Return where to note: a scoreboard, and the slot on it."""
        return _core.Scoreboard(), 0

    def _answer_status(self, core: _core.Server) -> None:
        """Answer on the address of --metrics, on a thread of its own."""
        if self._config.metrics is None:
            return
        status = Status(
            is_ready=self._is_ready,
            metrics=lambda: server_metrics(core, self._observed(), self._hub_metrics()),
        )
        server = StatusServer(bind_status(self._config.metrics), status)
        self._run(LoopThread(server, "casgi status"))

    def _answer_control(self, path: str, core: _core.Server) -> None:
        """Answer on the socket of --control, on a thread of its own."""
        control = SingleControl(ControlSocket(path), self._process(core))
        self._run(LoopThread(control, "casgi control"))

    def _process(self, core: _core.Server, worker: int = 1) -> Process:
        loop = asyncio.get_running_loop()
        process = Process(core, loop, changeable(self._config), worker)
        process.observed = self._observed
        return process

    def _observed(self) -> Observed:
        observed = Observed()
        observed.add(*self._scoreboard.observed(self._slot))
        return observed

    def _run(self, answering: LoopThread | CallingIn) -> None:
        self._answering.append(answering)
        answering.start()


class WorkerInspection(Inspection):
    """Of one of several workers, which the supervisor answers for as far as it can."""

    def __init__(
        self, config: Config, scoreboard: _core.Scoreboard, slot: int, worker: int
    ) -> None:
        """Take the worker's slot and number, from 1."""
        self._given = scoreboard, slot
        self._worker = worker
        super().__init__(config, lambda: True, dict)

    def _place(self) -> tuple[_core.Scoreboard, int]:
        return self._given

    def _answer_status(self, core: _core.Server) -> None:
        """Leave it to the supervisor, which reads the scoreboard."""

    def _answer_control(self, path: str, core: _core.Server) -> None:
        """Call in at the supervisor's socket."""
        self._run(CallingIn(path, self._process(core, self._worker)))
