"""The functions of `import casgi`: serving in a running event loop, and in one of casgi's own."""

import asyncio
import threading
from typing import Any

from casgi.config import Config
from casgi.errors import ConfigError
from casgi.forks import ending_forks
from casgi.loop import new_event_loop
from casgi.server import Server


async def serve(
    application: Any,
    *,
    shutdown_event: asyncio.Event | None = None,
    handle_signals: bool = False,
    **options: Any,
) -> None:
    """Serve in the running event loop until cancelled or until shutdown_event is set.

    The options are the fields of `Config`. Signals are left alone unless handle_signals is true.
    """
    config = Config(**options)
    if config.worker_count() > 1 or config.reload:
        raise ConfigError("workers and reload are for the command casgi; a program is one process")
    server = Server(application, config)
    await server.serve(shutdown_event=shutdown_event, handle_signals=handle_signals)


def run(application: Any, **options: Any) -> None:
    """Serve in an event loop of its own, until SIGINT or SIGTERM."""
    # Python delivers signals to the main thread only.
    handle_signals = threading.current_thread() is threading.main_thread()
    with asyncio.Runner(loop_factory=new_event_loop) as runner, ending_forks():
        runner.run(serve(application, handle_signals=handle_signals, **options))
