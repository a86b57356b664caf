"""Sending a response of which all is in memory: what ASGIHandler.send_response does, shortly.

Django asks a response's headers for each of them by the methods that every mapping has, which
costs more than all else that is done here. The messages are the same.
"""

from collections.abc import ItemsView, Mapping
from typing import Any

from django.http.response import HttpResponse, HttpResponseBase, ResponseHeaders
from django.utils.datastructures import CaseInsensitiveMapping

from casgi.origin import Watch, WatchedCode, change_in

_READ = ("items", "__iter__", "__getitem__", "__getattribute__")
_OWN: dict[type, tuple[str, ...]] = {
    ResponseHeaders: (),
    CaseInsensitiveMapping: ("__iter__", "__getitem__"),
}
_TEXTS = {
    "django.http.response": ("HttpResponseBase.items",),
    "django.utils.datastructures": tuple(
        f"CaseInsensitiveMapping.{name}" for name in _OWN[CaseInsensitiveMapping]
    ),
    "_collections_abc": ("Mapping.items", "ItemsView.__iter__"),
}


async def send_response(handler: Any, response: HttpResponse, send: Any) -> None:
    """Do what the handler does, whose method is Django's, of a response that is not streaming."""
    headers = _headers_of(response)
    if headers is None:
        await handler.send_response(response, send)
        return
    status = response.status_code
    await send({"type": "http.response.start", "status": status, "headers": headers})
    content = response.content
    if len(content) <= handler.chunk_size:
        await send({"type": "http.response.body", "body": content, "more_body": False})
        return
    for chunk, is_last in handler.chunk_bytes(content):
        await send({"type": "http.response.body", "body": chunk, "more_body": not is_last})


def _headers_of(response: Any) -> list[tuple[bytes, bytes]] | None:
    """Return the headers for the message; None: they have to be asked for, or cookies made."""
    if (
        response.cookies
        or type(response.headers) is not ResponseHeaders
        or type(response).items is not HttpResponseBase.items
        or "items" in vars(response)
        or _code.change() is not None
    ):
        return None
    try:
        return [
            (header.encode("ascii"), value.encode("latin1"))
            for header, value in response.headers._store.values()
        ]
    except AttributeError:  # Somebody has put there what is no text.
        return None


def look() -> None:
    """Look at how Django reads headers: as they are when a server starts."""
    _code.change()


def _look() -> Watch | str:
    change = _change()
    return change or Watch(
        [
            (HttpResponseBase, "items"),
            *((owner, name) for owner in _OWN for name in _READ),
            (Mapping, "items"),
            (ItemsView, "__iter__"),
        ]
    )


def _change() -> str | None:
    for module, names in _TEXTS.items():
        change = change_in(module, names)
        if change is not None:
            return change
    for owner, own in _OWN.items():
        added = [name for name in _READ if name in vars(owner) and name not in own]
        if added:
            return f"{owner.__module__}.{owner.__qualname__}.{added[0]} was added"
    return None


_code = WatchedCode(_look)
