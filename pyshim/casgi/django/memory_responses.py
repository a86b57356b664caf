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
    return [
        (
            header.encode("ascii") if isinstance(header, str) else bytes(header),
            value.encode("latin1") if isinstance(value, str) else bytes(value),
        )
        for header, value in response.headers._store.values()
    ]


def _look() -> Watch | str:
    change = change_in("django.http.response", ["HttpResponseBase.items"]) or change_in(
        "django.utils.datastructures",
        ["CaseInsensitiveMapping.__iter__", "CaseInsensitiveMapping.__getitem__"],
    )
    return change or Watch(
        [
            (HttpResponseBase, "items"),
            *((ResponseHeaders, name) for name in _READ),
            *((CaseInsensitiveMapping, name) for name in _READ),
            (Mapping, "items"),
            (ItemsView, "__iter__"),
        ]
    )


_code = WatchedCode(_look)
