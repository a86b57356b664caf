"""The seam in Django: ASGIHandler.send_response, which iterates over a response.

A FileResponse says of what file it is the content: `file_to_stream`, which Django itself hands to
WSGI servers as `wsgi.file_wrapper`, and forgets when somebody gives the response other content.
Ours hands it to the core, as ASGI's `http.response.zerocopysend`, in the place of reading it whole
into memory. Head, closing and signals are Django's.
"""

import io
import os
import stat
from collections.abc import AsyncIterator
from typing import Any

from django.core.files.base import File
from django.core.files.utils import FileProxyMixin
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse

from casgi import _core
from casgi.asgi import Send
from casgi.django.code_watch import CodeWatch
from casgi.django.releases import CONTENT, FILES
from casgi.origin import StandIn

# What a response's class must have as Django has it, for its content to be the file's.
_OF_CONTENT = ("__iter__", "__aiter__", "streaming_content", "_set_streaming_content")
_PASSED_BY = (
    *FILES,
    *((module, name) for module, names in CONTENT.items() for name in names),
)
_CHUNKS = getattr(ASGIHandler.chunk_bytes, "__func__", None)
_READS_TO_THE_END = type(iter(lambda: b"", b""))


class FileResponses:
    """Our `send_response` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        self._code = code = CodeWatch("files are read by Django")

        async def send_response(self: Any, response: Any, send: Any) -> None:
            file = file_of(response) if code.holds() else None
            if file is None or not (takes_files(send) and _chunks_as_django(self)):
                await sending.original(self, response, send)
            else:
                await _send_file(sending.original, self, response, file, send)

        self._sending = sending = StandIn(ASGIHandler, "send_response", send_response)

    def install(self) -> None:
        """Send files without reading them from now on."""
        self._sending.install()
        self._code.begin(_PASSED_BY)

    def remove(self) -> None:
        """Put Django's back."""
        self._sending.remove()


def takes_files(send: Send) -> bool:
    """Tell whether files go through `send` to the core, past nobody who would have read them.

    A wrapper that passes everything on says so by an attribute of this name.
    """
    return type(send) is _core.AsyncMethod or getattr(send, "takes_files", False) is True


def file_of(response: Any) -> "io.BufferedReader[Any] | None":
    """Return the regular file of which all that follows is the response's content, or None."""
    if not isinstance(response, FileResponse) or response.is_async:
        return None
    if type(response._iterator) is not _READS_TO_THE_END or not _has_content_of_django(response):
        return None
    file = response.file_to_stream
    if isinstance(file, File) and type(file).read is FileProxyMixin.read:
        file = file.file
    return file if type(file) is io.BufferedReader and _is_regular(file) else None


def _chunks_as_django(handler: Any) -> bool:
    """Whether a handler divides what a response yields by Django's own method."""
    return _CHUNKS is not None and getattr(handler.chunk_bytes, "__func__", None) is _CHUNKS


def _has_content_of_django(response: Any) -> bool:
    kind = type(response)
    return kind is FileResponse or all(
        getattr(kind, name) is getattr(FileResponse, name) for name in _OF_CONTENT
    )


def _is_regular(file: "io.BufferedReader[Any]") -> bool:
    if file.closed or type(file.raw) is not io.FileIO:
        return False
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


async def _nothing() -> AsyncIterator[bytes]:
    parts: tuple[bytes, ...] = ()
    for part in parts:
        yield part


async def _send_file(original: Any, handler: Any, response: Any, file: Any, send: Any) -> None:
    """Let Django send an empty response, and put the file where its empty body would go."""
    message: dict[str, Any] = {"type": "http.response.zerocopysend", "file": file}
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit():
        message["count"] = int(length)  # it may have grown since

    async def send_with_file(part: dict[str, Any]) -> None:
        await send(message if part["type"] == "http.response.body" else part)

    content = response._iterator, response.is_async
    response._iterator, response.is_async = _nothing(), True
    try:
        await original(handler, response, send_with_file)
    finally:
        response._iterator, response.is_async = content
