"""Runs Django's own tests with the test client sent through the async chain of middleware.

Started in the folder of Django's tests; arguments as for its runtests.py. OURS=yes puts ours in the
place of Django's. The last line of the output says how many requests were made, and how many
passages.
"""

from __future__ import annotations

import atexit
import os
import runpy
import sys
from typing import Any

from asgiref.sync import async_to_sync
from django.core.handlers.base import BaseHandler
from django.test.client import ClientHandler

made = {"requests": 0, "passages": 0}


def get_response(self: Any, request: Any) -> Any:
    made["requests"] += 1
    return async_to_sync(self.get_response_async)(request)


def load_middleware(self: Any, is_async: bool = False) -> None:
    BaseHandler.load_middleware(self, is_async=True)


ClientHandler.get_response = get_response
ClientHandler.load_middleware = load_middleware

if os.environ["OURS"] == "yes":
    from casgi.django.hop import ShortHops
    from casgi.django.middleware_seam import PlainMiddleware
    from casgi.django.passage import Passage
    from casgi.django.request_seam import Requests
    from casgi.django.thread_context import LeasingContexts
    from casgi.django.thread_pool import ThreadPool

    go = Passage.go

    async def counted(self: Passage) -> Any:
        made["passages"] += 1
        return await go(self)

    Passage.go = counted  # type: ignore[method-assign]
    pool = ThreadPool()
    pool.open()
    LeasingContexts(pool).install()
    ShortHops().install()
    PlainMiddleware().install()
    Requests().install()

if __name__ == "__main__":
    atexit.register(lambda: print(made["requests"], made["passages"], file=sys.stderr))
    sys.argv[0] = "runtests.py"
    sys.path.insert(0, os.getcwd())
    runpy.run_path("runtests.py", run_name="__main__")
