"""What ASGI middleware puts around `send`: which is looked behind, and what to say of the others.

Sentry's wrapper looks at the start of an HTTP response only, so a WebSocket's messages pass it as
they are. It is a function made anew for each connection, and known by the body that its file gives
it and by its code. OpenTelemetry's and ddtrace's make a span of each message: frames that passed by
them would be missed.
"""

import hashlib
import logging
import sys
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any

from casgi.origin import nested_function

logger = logging.getLogger("casgi.channels")

_SENTRY = "sentry_sdk.integrations.asgi"
_SENTRY_SEND = "SentryAsgiMiddleware._run_app.<locals>._sentry_wrapped_send"
# SHA-256 of the body: of sentry-sdk 2.20 to 2.40, and of 2.60 to 2.75.
_SENTRY_BODIES = frozenset(
    {
        "d6a0e9ee2ec9603fa8975972e6f7eca1ef59b8e1a2b359e410e9342dd810b85e",
        "08678f05c311e858de4f2720eeccc3f7f6ccfd43c22154fa20ae89fc132ceee9",
    }
)


class Wrappers:
    """The wrappers around the server's `send` and `receive`, as they are when casgi starts."""

    def __init__(self) -> None:
        self._sentry = _code_of_sentry()
        self._logged: set[str] = set()

    def behind(self, send: object) -> Any:
        """Return what a known wrapper calls for each message of a WebSocket, None for any other."""
        if type(send) is not FunctionType or self._sentry is None:
            return None
        module = sys.modules.get(_SENTRY)
        is_it = module is not None and send.__globals__ is vars(module)
        if not is_it or send.__code__ != self._sentry or send.__closure__ is None:
            return None
        return send.__closure__[self._sentry.co_freevars.index("send")].cell_contents

    def report(self, send: object, receive: object) -> None:
        """Log once for each wrapper what it prevents."""
        if not _is_of_server(receive):
            text = "is given its messages by Channels alone"
            self._log_once(f"{_description(receive)} wraps receive: each consumer behind it {text}")
        elif not _is_of_server(send):
            text = "handles each group message by itself"
            self._log_once(f"{_description(send)} wraps send: each consumer behind it {text}")

    def _log_once(self, line: str) -> None:
        if line not in self._logged:
            self._logged.add(line)
            logger.info("%s", line)


def _code_of_sentry() -> CodeType | None:
    found = nested_function(_SENTRY, _SENTRY_SEND)
    if found is None:
        return None
    code, body = found
    is_known = hashlib.sha256(body.encode()).hexdigest() in _SENTRY_BODIES
    return code if is_known and "send" in code.co_freevars else None


def _is_of_server(method: object) -> bool:
    return type(method).__module__ == "casgi._core"


def _description(wrapper: object) -> str:
    """Return what a wrapper is called and where it was written."""
    function: Callable[..., Any] | object = wrapper
    if isinstance(wrapper, MethodType):
        function = wrapper.__func__
    if not isinstance(function, FunctionType):
        return f"{type(wrapper).__module__}.{type(wrapper).__qualname__}"
    code = function.__code__
    where = f"{code.co_filename}:{code.co_firstlineno}"
    return f"{function.__module__}.{function.__qualname__} ({where})"
