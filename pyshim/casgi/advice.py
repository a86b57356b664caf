"""What to do about exceptions of applications whose own text does not say it: one more sentence.

A filter of the logger that they are written to; it looks at a record only after something failed.
"""

import difflib
import logging
import re
import sys
from types import TracebackType
from typing import Any

_LAYER_METHODS = ("group_add", "group_discard", "group_send", "send", "receive", "new_channel")
_NO_HANDLER = re.compile(r"No handler for message type (\S+)")
_NO_LAYER = (
    "there is no channel layer: set CHANNEL_LAYERS in the settings, for one process to"
    ' {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}'
)


_TRIO = (
    "trio's functions run in a loop of trio's only, and casgi's is asyncio's: call those of anyio,"
    " which run in either, or take a server that has trio's (hypercorn --worker-class trio)"
)


class Advice(logging.Filter):
    """Adds the sentence to the message, before the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        error = record.exc_info[1] if record.exc_info else None
        sentence = None if error is None else advice(error)
        if sentence is not None:
            record.msg, record.args = f"{record.getMessage()}: {sentence}", None
        return True


def advice(error: BaseException) -> str | None:
    """Return what to do about an exception, None if nothing is known."""
    if _is_of_trio(error):
        return _TRIO
    if isinstance(error, AttributeError):
        is_layer = error.obj is None and error.name in _LAYER_METHODS
        return _no_layer(error) if is_layer and "channels.layers" in sys.modules else None
    if type(error).__name__ == "InvalidChannelLayerError" and "unconfigured" in str(error):
        return _no_layer(error)
    if isinstance(error, ValueError) and (match := _NO_HANDLER.match(str(error))):
        return _no_handler(match[1], _consumer(error.__traceback__))
    return None


def _is_of_trio(error: BaseException) -> bool:
    """Whether trio has raised it because none of its loops runs in this thread."""
    text = str(error)
    if isinstance(error, AttributeError):
        return text == "'RunContext' object has no attribute 'runner'"
    yielded = text.startswith("Task got bad yield: ") and "trio." in text
    return yielded or (text == "must be called from async context" and "trio" in sys.modules)


def _no_layer(error: BaseException) -> str:
    """Return why there is no layer: Channels gives None for one that raises KeyError, too."""
    from channels.layers import channel_layers

    alias = getattr(_consumer(error.__traceback__), "channel_layer_alias", "default")
    try:
        if alias not in channel_layers.configs:
            return _NO_LAYER
        channel_layers.make_backend(alias)
    except Exception as reason:  # Whatever it is, the error that was to be logged is.
        return f"the channel layer {alias} cannot be made: {reason!r}; see CHANNEL_LAYERS"
    return _NO_LAYER


def _no_handler(message_type: str, consumer: Any) -> str:
    """Return what is missing for messages of a type, as their sender wrote it."""
    method = message_type.replace(".", "_")
    text = f'somebody sends messages with "type": "{message_type}"'
    if consumer is None:
        return f"{text}, for which the consumer has no method {method}(); the consumer has ended"
    near = difflib.get_close_matches(method, dir(consumer), 1)
    return (
        f"{text}, for which {type(consumer).__name__} has no method {method}()"
        + (f" but {near[0]}()" if near else "")
        + "; each consumer that gets one ends, and its WebSocket is closed"
    )


def _consumer(traceback: TracebackType | None) -> Any:
    """Return the consumer that dispatched, the innermost one."""
    found = None
    while traceback is not None:
        candidate = traceback.tb_frame.f_locals.get("self")
        if hasattr(candidate, "channel_layer_alias"):
            found = candidate
        traceback = traceback.tb_next
    return found


def advise() -> None:
    """Add the sentences to the log from now on. Can be called again."""
    logger = logging.getLogger("casgi.error")
    if not any(isinstance(each, Advice) for each in logger.filters):
        logger.addFilter(Advice())
