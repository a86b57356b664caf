"""Views that look at what a server could have changed around them; the address says who asks."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import sys
import threading
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import path

_own = threading.local()
_noted: list[Any] = []
_COMPARE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)
)


def thread(request: Any) -> JsonResponse:
    """Look at the thread from outside and from within."""
    current, ident = threading.current_thread(), threading.get_ident()
    frame = sys._current_frames().get(ident)
    return JsonResponse(
        {
            "frame": frame is not None and frame.f_code.co_name,
            "ident": current.ident == ident,
            "native": current.native_id == threading.get_native_id(),
            "listed": current in threading.enumerate(),
            "daemon": current.daemon,
            "handled": sys.exc_info()[0] is not None,
            "hooks": [hook is not None for hook in sys.get_asyncgen_hooks()],
            "before": getattr(_own, "who", None),
        }
    )


def callbacks(request: Any) -> JsonResponse:
    """Be called by C code, which finds the thread's state by itself."""
    _own.who = request.GET["who"]
    seen = set()

    def compare(one: Any, other: Any) -> int:
        seen.add(_own.who)
        return int(one[0] - other[0])

    numbers = (ctypes.c_int * 5)(5, 3, 1, 2, 4)
    ctypes.CDLL(None).qsort(numbers, 5, ctypes.sizeof(ctypes.c_int), _COMPARE(compare))
    return JsonResponse({"sorted": list(numbers), "who": sorted(seen)})


async def _parts() -> AsyncIterator[int]:
    yield 1
    yield 2


async def _in_a_loop() -> list[Any]:
    async for _ in _parts():
        break  # The loop has to close the rest.
    program = await asyncio.create_subprocess_exec("true")
    return [await program.wait(), await asyncio.to_thread(getattr, _own, "who", None)]


def loops(request: Any) -> JsonResponse:
    """Run event loops."""
    _own.who = request.GET["who"]
    return JsonResponse({"found": [asyncio.run(_in_a_loop()) for _ in range(2)]})


class _Left:
    """Notes where it ends."""

    def __del__(self) -> None:
        _noted.append([threading.current_thread() is threading.main_thread(), hasattr(_own, "who")])


def leave(request: Any) -> HttpResponse:
    """Leave something in the thread."""
    _own.left = _Left()
    return HttpResponse()


class _Filter(logging.Filter):
    """Notes what a filter finds by thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        _noted.append([record.getMessage(), getattr(_own, "who", None)])
        return True


def fail(request: Any) -> HttpResponse:
    """Fail, and log it with the thread's own."""
    _own.who = request.GET["who"]
    logging.getLogger("curious").warning("about to fail")
    raise RuntimeError("as it was asked to")


STATUSES: dict[str, Any] = {
    "none": None,
    "text": "200",
    "bytes": b"200",
    "enum": HTTPStatus.ACCEPTED,
    "bool": True,
    "float": 200.0,
    "negative": -1,
    "nan": float("nan"),
}


def odd(request: Any) -> JsonResponse:
    """Give a response a status that Django has not looked at."""
    response = JsonResponse({})
    response.status_code = STATUSES[request.GET["status"]]
    return response


async def noted(request: Any) -> JsonResponse:
    """Return what was noted since it was asked."""
    gc.collect()
    found = _noted[:]
    del _noted[:]
    return JsonResponse({"noted": found})


for _name in ("curious", "django.request"):
    logging.getLogger(_name).addFilter(_Filter())
    logging.getLogger(_name).addHandler(logging.NullHandler())

urlpatterns = [
    path(f"{view.__name__}/", view) for view in (thread, callbacks, loops, leave, fail, odd, noted)
]
