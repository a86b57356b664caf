"""The seam in Django: ASGIStaticFilesHandler, which serves static files while a site is written.

Django's makes a request object, a response and some trips to threads for each file. Ours asks the
same finders for the file, has the core send it, and says in the head what `django.views.static`
says. `manage.py runserver` has that handler in front of the application, some projects have it in
their routes. Whatever is no file to be sent, or not known to be as Django has it, is Django's.
"""

import mimetypes
import os
import posixpath
import stat
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.utils._os import safe_join
from django.utils.http import content_disposition_header, http_date
from django.views import static

from casgi.asgi import Receive, Scope, Send
from casgi.django import own_receivers
from casgi.django.file_responses import takes_files
from casgi.django.static_code import passed_by
from casgi.origin import StandIn, WatchedCode, method_names

# They look for a name in folders: that is done in the event loop. Others may ask a database.
_QUICK_FINDERS = (finders.FileSystemFinder, finders.AppDirectoriesFinder)


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    path: str | None


class StaticFiles:
    """Our `__call__` in the place of Django's, from `install` to `remove`."""

    def __init__(self) -> None:
        async def __call__(  # noqa: N807
            self: Any, scope: Scope, receive: Receive, send: Send
        ) -> None:
            is_ours = seam._is_ours(self, scope, send)
            answer = await _find_answer(self, scope) if is_ours else None
            if answer is None:
                await calls.original(self, scope, receive, send)
            else:
                await _send_answer(answer, send)

        seam = self
        self._calls = calls = StandIn(ASGIStaticFilesHandler, "__call__", __call__)
        self._code = WatchedCode(passed_by().watch)

    def install(self) -> None:
        """Answer here from now on."""
        self._calls.install()
        self._code.change()  # It is what was read: see releases.

    def remove(self) -> None:
        """Put Django's back."""
        self._calls.remove()

    def _is_ours(self, handler: Any, scope: Scope, send: Send) -> bool:
        return (
            scope["type"] == "http"
            and handler._should_handle(scope["path"])
            and scope["method"] in ("GET", "HEAD")
            # Django answers a query that is no UTF-8 by a 400.
            and scope["query_string"].isascii()
            and not (settings.FORCE_SCRIPT_NAME or scope.get("root_path"))
            and type(handler) is ASGIStaticFilesHandler
            and not vars(handler).keys() & _OF_HANDLERS
            and takes_files(send)
            and self._code.change() is None
            and own_receivers.started.read(handler.__class__) is not None
            and own_receivers.finished.read(handler.__class__) is not None
        )


_OF_HANDLERS = {*method_names(ASGIStaticFilesHandler), "request_class"}


async def _find_answer(handler: Any, scope: Scope) -> _Answer | None:
    """Return what Django would answer if it finds a file, else None."""
    try:
        if all(type(finder) in _QUICK_FINDERS for finder in finders.get_finders()):
            return _answer(handler, scope)
        return await sync_to_async(_answer, thread_sensitive=False)(handler, scope)
    except Exception:
        return None  # It is raised again where Django has to do with it.


def _answer(handler: Any, scope: Scope) -> _Answer | None:
    """Do what both functions called `serve` do."""
    name = posixpath.normpath(handler.file_path(scope["path"])).lstrip("/")
    found = finders.find(name)
    if not found:
        return None
    path = str(safe_join(*os.path.split(found)))
    facts = os.stat(path)
    if not stat.S_ISREG(facts.st_mode):
        return None
    if not static.was_modified_since(_modified_since(scope), facts.st_mtime):
        return _Answer(304, [], None)
    return _Answer(200, list(_headers(path, facts)), path)


def _modified_since(scope: Scope) -> str | None:
    values = [value for name, value in scope["headers"] if name == b"if-modified-since"]
    return b",".join(values).decode("latin1") if values else None


def _headers(path: str, facts: os.stat_result) -> Any:
    """Yield those of FileResponse and of `django.views.static.serve`, in their order."""
    content_type, encoding = mimetypes.guess_type(path)
    fields = {
        "Content-Type": content_type or "application/octet-stream",
        "Content-Length": str(facts.st_size),
        "Content-Disposition": content_disposition_header(False, os.path.basename(path)),
        "Last-Modified": http_date(facts.st_mtime),
        "Content-Encoding": encoding,
    }
    return ((name.encode(), text.encode("latin1")) for name, text in fields.items() if text)


async def _send_answer(answer: _Answer, send: Send) -> None:
    status, headers, path = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if path is None:
        await send({"type": "http.response.body"})
    else:
        await send({"type": "http.response.pathsend", "path": path})
