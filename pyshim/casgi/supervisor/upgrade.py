"""SIGUSR2: the casgi that is installed now takes the place of this one, in the same process.

A child of the new version first checks what it can without serving: options, certificates, the
import of the application. Only if it can go on is it executed here; otherwise nothing happens, and
one line says why. Workers notice nothing, and are replaced afterwards, as at a reload.
"""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO

from casgi import __version__
from casgi.config import Config
from casgi.errors import ApplicationImportError, CasgiError
from casgi.hub.hub_host import HubHost
from casgi.importer import add_app_dir, import_application
from casgi.server import Server
from casgi.signals import blocked
from casgi.supervisor.children import Children
from casgi.supervisor.inheritance import VARIABLE, Inheritance, variable_for
from casgi.supervisor.rolling import Rolling
from casgi.supervisor.worker import environment_of_workers, own_command
from casgi.supervisor.worker_signals import HELD_BACK, let_signals_come, pass_over
from casgi.tls import TlsAcceptors
from casgi.waiting import wait_for_any

logger = logging.getLogger("casgi.supervisor")

SIGNALS = frozenset(
    {
        signal.SIGCHLD,
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)
"""Those that wait, while one program takes the place of the other, until that has its handlers."""

# Of asyncio's loop, which first sees that a signal has come, then reads which, then calls, and then
# tells who waits: of a worker that has ended the counts are taken.
_TURNS_TO_HANDLE = 4


class Upgrade:
    """Checks the new casgi, and executes it."""

    def __init__(
        self,
        children: Children,
        longest: float | None,
        rolling: Rolling,
        hub: HubHost,
        leave: Callable[[], Inheritance],
        show_alive: Callable[[], None],
    ) -> None:
        """Take for how many seconds the check may import the application, and what is left.

        `show_alive` is called before this program ends: the next takes a moment to start.
        """
        self._children = children
        self._longest = longest
        self._rolling = rolling
        self._hub = hub
        self._leave = leave
        self._show_alive = show_alive
        self._is_waiting = False

    async def run(self, until: asyncio.Event) -> None:
        """Let the casgi that is installed now take this one's place, if it can serve."""
        if self._is_waiting:
            return  # One that has not begun will do.
        self._is_waiting = True
        async with self._rolling.alone():
            self._is_waiting = False
            try:
                if not await self.check(self._leave(), until):
                    return
                async with self._rolling.unchanged(), _signals_held_back():
                    if not until.is_set():
                        self._show_alive()
                        self.execute(self._leave())
            except Exception as error:  # Whatever it is, the server goes on.
                logger.error("SIGUSR2: nothing is changed: %s: %s", type(error).__name__, error)

    async def check(self, left: Inheritance, until: asyncio.Event) -> bool:
        """Return whether a new process could go on with this; say why not."""
        logger.info("SIGUSR2: looking whether the casgi that is installed now can serve")
        with _output() as output, _written(left) as descriptor:
            pid = _start_check(descriptor, output)
            ended = self._children.end_of(pid)
            await wait_for_any(until, tasks=[ended], timeout=self._longest)
            reason = self._reason_against(ended, output)
            if not ended.done():
                os.kill(pid, signal.SIGKILL)
                await asyncio.wait([ended])
        if reason is not None and not until.is_set():
            logger.error("SIGUSR2: nothing is changed, the new casgi cannot serve: %s", reason)
        return reason is None and not until.is_set()

    def _reason_against(self, ended: "asyncio.Future[int]", output: IO[bytes]) -> str | None:
        if not ended.done():
            return f"it has not imported the application in {self._longest} s"
        if ended.result() == 0:
            return None
        output.seek(0)
        lines = output.read().decode(errors="replace").split("\n")
        said = [line for line in lines if line.strip()] or [f"status {ended.result()}"]
        return said[-1].removeprefix("casgi: ")

    def execute(self, left: Inheritance) -> None:
        """Become the new casgi. Raise OSError when that cannot be; all is as before then."""
        logger.info("SIGUSR2: casgi %s makes way for the one that is installed now", __version__)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        command = own_command()
        with _written(left) as descriptor, _inheritable(left), self._hub.upgraded():
            variable = variable_for(descriptor, is_check=False)
            os.execve(command[0], command, {**os.environ, VARIABLE: variable})


def _output() -> IO[bytes]:
    """Return a file in memory: where there is no folder for any other there are upgrades, too."""
    return open(os.memfd_create("casgi-upgrade"), "w+b")


def _start_check(descriptor: int, output: IO[bytes]) -> int:
    """Return the PID of a process of the new version, which runs check_upgrade()."""
    with blocked(HELD_BACK):
        process = subprocess.Popen(
            own_command(),
            env={**environment_of_workers(), VARIABLE: variable_for(descriptor, is_check=True)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            pass_fds=[descriptor],
        )
    process.returncode = 0  # Children waits for it instead.
    return process.pid


@contextlib.contextmanager
def _written(left: Inheritance) -> Iterator[int]:
    descriptor = left.write()
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _inheritable(left: Inheritance) -> Iterator[None]:
    descriptors = list(left.descriptors())
    for each in descriptors:
        os.set_inheritable(each, True)
    try:
        yield
    finally:
        for each in descriptors:
            os.set_inheritable(each, False)


@contextlib.asynccontextmanager
async def _signals_held_back() -> AsyncIterator[None]:
    """Let signals wait for the next program, when the loop has called who handles those before."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        for _ in range(_TURNS_TO_HANDLE):
            await asyncio.sleep(0)
        yield
    finally:
        let_signals_through()


def let_signals_through() -> None:
    """Take the signals that have come while one program took the place of the other."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def check_upgrade(application: str, app_dir: str, config: Config, left: Inheritance) -> int:
    """In a process of the new version: return 0 when it can go on with this; raise CasgiError."""
    for number in HELD_BACK:
        pass_over(number)
    let_signals_come()
    left.check(config)
    settings = config.tls_settings()
    if settings is not None:
        TlsAcceptors().get(settings)
    add_app_dir(app_dir)
    try:
        Server(import_application(application), config)
    except CasgiError:
        raise
    except BaseException as error:
        what = f"{type(error).__name__}: {error}"
        raise ApplicationImportError(f'importing "{application}" failed: {what}') from None
    return 0
