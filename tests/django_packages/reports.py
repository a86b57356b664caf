"""Reports of packages, reduced to what is the same whenever the same is done."""

from __future__ import annotations

import re
from typing import Any

_TIMES = re.compile(r"time|duration|_start_ns|_end_ns|age|^start$|^end$", re.IGNORECASE)
_OF_THREADS = re.compile(r"thread|runtime_id|process|pid|profile", re.IGNORECASE)
_IDS = re.compile(r"(^|[._])(id|uuid|[a-z]*_id|traceparent|sample_rand|baggage)$")
_FRAMES = re.compile(r"frames$|stacktrace|^trace$|stack$", re.IGNORECASE)
_LEFT_OUT = re.compile(r"modules$|^sdk$|server_name|^extra$|^vars$|culprit")

_RANDOM = re.compile(r"0x[0-9a-f]+|sessionid=\w+|csrftoken=\w+|expires=[^;]*")


def plain(report: Any) -> Any:
    """Return a report without times, threads and frames, and with its ids numbered."""
    return _plain(report, {})


def _plain(value: Any, ids: dict[str, str]) -> Any:
    match value:
        case dict():
            return {str(key): _of_key(str(key), each, ids) for key, each in sorted(_kept(value))}
        case list() | tuple():
            return [_plain(each, ids) for each in value]
        case str():
            return _RANDOM.sub("", _without_frames(value))
    return value if isinstance(value, bool | int | type(None)) else str(type(value))


def _kept(report: dict[Any, Any]) -> list[tuple[Any, Any]]:
    unwanted = (_TIMES, _OF_THREADS, _LEFT_OUT)
    return [
        (key, value)
        for key, value in report.items()
        if not any(pattern.search(str(key)) for pattern in unwanted)
    ]


def _of_key(key: str, value: Any, ids: dict[str, str]) -> Any:
    if _IDS.search(key) and isinstance(value, str | int) and value:
        return ids.setdefault(str(value), f"id {len(ids)}")
    if _FRAMES.search(key) and isinstance(value, list):
        return [_frame(each) for each in value if _is_of_site(each)]
    return _plain(value, ids)


def _without_frames(text: str) -> str:
    """Return a text; if it is a traceback, the site's own frames and the error."""
    if not text.startswith("Traceback "):
        return text
    lines = text.strip().splitlines()
    return "\n".join([line for line in lines if "pages.py" in line] + lines[-1:])


def _is_of_site(frame: Any) -> bool:
    return isinstance(frame, dict) and "pages" in str(frame.get("module"))


def _frame(frame: dict[str, Any]) -> str:
    return f"{frame.get('module')} {frame.get('function')} {frame.get('lineno')}"
