"""A worker class for who stays with Gunicorn.

    gunicorn -k casgi.gunicorn.CasgiWorker project.asgi:application

Gunicorn owns the sockets, starts and watches the workers; casgi serves in each. Its settings that
mean something to casgi are taken over (`config_of`); a subclass may have more in `options`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import sys
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from casgi.config import Config
from casgi.errors import CasgiError
from casgi.process import run_process
from casgi.server import Server
from casgi.signals import blocked, hold_until_served
from casgi.sockets import BoundSocket, adopt_descriptor
from casgi.tls import CertReqs

# Seconds between two signs of life, and looks at what may end the worker.
_INTERVAL = 0.25
_CERT_REQS: dict[int, CertReqs] = {0: "none", 1: "optional", 2: "required"}


class CasgiWorker(Worker):  # type: ignore[misc]
    """Serves an ASGI application with casgi, as one of Gunicorn's workers."""

    options: ClassVar[dict[str, Any]] = {}
    """Fields of `casgi.Config`, over what Gunicorn's settings say."""

    def init_signals(self) -> None:
        """Leave the signals to the server, which handles them on its loop.

        Gunicorn passes SIGUSR1 on to every worker, also to one that imports the application.
        """
        with blocked([signal.SIGUSR1]):
            for number in self.SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            hold_until_served()
        signal.signal(signal.SIGABRT, self.handle_abort)
        signal.signal(signal.SIGWINCH, self.handle_winch)

    def run(self) -> None:
        """Serve until Gunicorn, or a limit of its settings, ends the worker."""
        _log_by(self.log.error_log)
        try:
            server = _WorkerServer(self.wsgi, config_of(self.cfg, self.options), self)
            code = run_process(server)
        except CasgiError as error:
            self.log.error("%s", error)
            code = Arbiter.WORKER_BOOT_ERROR
        if code != 0:
            sys.exit(code)


class _WorkerServer(Server):
    """The server of a worker, on the sockets that Gunicorn has bound."""

    def __init__(self, application: Any, config: Config, worker: CasgiWorker) -> None:
        super().__init__(application, config)
        self._worker = worker
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Show signs of life from now on: a lifespan may take its time."""
        self._beating = asyncio.create_task(self._beat())
        await super().start()

    async def stop(self) -> None:
        """Stop, still with signs of life."""
        await super().stop()
        if self._beating is not None:
            self._beating.cancel()

    def reopen_logs(self) -> None:
        """Reopen Gunicorn's as well."""
        super().reopen_logs()
        self._worker.log.reopen_files()

    def _bind(self) -> list[BoundSocket]:
        tls = self.config.tls_settings()
        found = [adopt_descriptor(each.fileno()) for each in self._worker.sockets]
        return [dataclasses.replace(each, tls=tls) for each in found]

    def _take_signals(self, until: contextlib.ExitStack) -> None:
        super()._take_signals(until)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGQUIT, self._stop_at_once)
        until.callback(loop.remove_signal_handler, signal.SIGQUIT)

    def _stop_at_once(self) -> None:
        self._worker.cfg.worker_int(self._worker)
        self.request_stop()
        self.request_stop()

    async def _beat(self) -> None:
        while True:
            self._worker.notify()
            if not self._stop_requested.is_set() and (reason := self._end_reason()) is not None:
                self._worker.log.info("Worker %s leaves: %s", os.getpid(), reason)
                self.request_stop()
            await asyncio.sleep(_INTERVAL)

    def _end_reason(self) -> str | None:
        worker = self._worker
        if os.getppid() != worker.ppid:
            return "Gunicorn's master has gone"
        if not worker.alive:
            return "a file has changed"
        requests = 0 if self._core is None else self._core.metrics()["requests"]
        return f"{requests} requests" if requests >= worker.max_requests else None


def config_of(settings: Any, options: dict[str, Any]) -> Config:
    """Return the config that Gunicorn's settings mean, with the options over it.

    Raise ConfigError.
    """
    tls = settings.ssl_options if settings.is_ssl else {}
    given: dict[str, Any] = {
        "keep_alive_timeout": float(settings.keepalive),
        "application_close_timeout": float(settings.graceful_timeout),
        "access_log": settings.accesslog,
        "max_headers": settings.limit_request_fields,
        "proxy_headers": True,
        "trusted_proxies": _networks(settings.forwarded_allow_ips),
        "ssl_certfile": (tls["certfile"],) if tls.get("certfile") else (),
        "ssl_keyfile": (tls["keyfile"],) if tls.get("keyfile") else (),
        "ssl_ca_certs": tls.get("ca_certs"),
        "ssl_cert_reqs": _CERT_REQS[int(tls.get("cert_reqs") or 0)],
        "ssl_ciphers": tls.get("ciphers"),
    }
    if settings.proxy_protocol and settings.proxy_protocol != "off":
        given |= {
            "proxy_protocol": True,
            "proxy_protocol_from": _networks(settings.proxy_allow_ips),
        }
    return Config(**{**given, **options})


def _networks(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _log_by(log: logging.Logger) -> None:
    """Have casgi's lines in Gunicorn's error log, with its level."""
    ours = logging.getLogger("casgi")
    ours.handlers = log.handlers
    ours.setLevel(log.level)
    ours.propagate = False
