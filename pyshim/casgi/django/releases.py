"""Which asgiref and Django are stood in for: those whose very code was read and tested.

A version is a name: a fork or a distributor's patch can have other code under it. So what is
replaced, and what that stands in for, must have a text that was read, and must be what its file
defines: somebody may have put something else in its place.
"""

import importlib
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from django.core import signals
from django.dispatch import Signal

from casgi.origin import change_in, fingerprint, function_fingerprint

# SHA-256 of asgiref/sync.py, of all releases from 3.6.0, the oldest that Django 4.2 takes.
SYNC = {
    "47927c97fa3956662d306356300364e4f50c39402998828af2f2a88060874da3",  # 3.6.0
    "9bf03a3bb1ee8b87a499cec6ba5dbd019d81b59a4445c1e48390d0840a8b3e54",  # 3.7.0, 3.7.1
    "5cda8466a3adee4d73a963d8b6fc8d6c45efe2275677a45bb9cb360d3f66653d",  # 3.7.2
    "7e6333b1de49b23ab3f002e6d07946c4e860a2777bc6f84204cf085485a834cb",  # 3.8.0
    "5a1cb461057ce2f4a9ec8041afe2436f1602b9af889cb8018ee8823258fd5a02",  # 3.8.1
    "e5d94ad13eb5a4c48d59ffbee3d9d4a239f499f76eaaaeabcaec325f1bf663e0",  # 3.9.0 to 3.9.2
    "0842b117278f8a4b14a00eccae89ce29a17a9a6350c546198d795f2595c44023",  # 3.10.0
    "9187d6b5fe02238dfccc8c3ce645fd610c74cbae01d4de803343dc4467f4d4ce",  # 3.11.0
    "2878d291845928827572606fc5c9681ab72786f02e11f5c2582640a3137c82b8",  # 3.11.1
    "ebf59e4bc90ff3fc921ffda859d3e168bb0534b0c7c9710652aaaca1b52b6bf2",  # 3.12.0
    "5340a5e010911ed8f622c52ef054517dcb7c1a716b3f5b6350e3c1f8d04bf419",  # 3.12.1
    "b5f2d860f7a4dcd968b5afe1cf14f7652ad20d64c97e4e89bda87ac0307100e0",  # 3.13.0
}
_OF_CONTEXTS = (
    *("ThreadSensitiveContext.__aenter__", "ThreadSensitiveContext.__aexit__"),
    "ThreadPoolExecutor",  # which is made for a context
)

# SHA-256 of functions of Django, the same in 4.2.30, 5.0.14, 5.1.15, 5.2.19, 6.0.10 and 6.1.3
# where there is one.
MIDDLEWARE = {
    ("django.utils.deprecation", "MiddlewareMixin.__call__"): (
        "d86bad74a0420fda4a00759f04a3ab8631d75b0c243db83d548430f61801c160",  # before 5.1
        "337be048dd62e01485fd5afaf5b79c473287430ccf369ff9dd80bb8f84fa569f",
    ),
    ("django.utils.deprecation", "MiddlewareMixin.__acall__"): (
        "adf8cbcaf9f11e45c4ac1953556ac422f2a6fe4193df5edbed186b2b66bea729",
    ),
    ("django.core.handlers.exception", "convert_exception_to_response"): (
        "a297ae868bddaca2e7a82847cb707105b2a23ded927d6609f6832901db45758e",
    ),
    ("django.core.handlers.base", "BaseHandler._get_response_async"): (
        "064b55bfd55fc38d1157dfe3997f9d675392168da4d48cbed33d8fb0c4930aea",
    ),
    ("django.core.handlers.base", "BaseHandler.make_view_atomic"): (
        "f3b34bcd85fc1e5e4668e24c19420bea2682c6e3fbf4e906f1d6c1f456cd8820",
    ),
    ("django.core.handlers.base", "BaseHandler.check_response"): (
        "e1e8624829fb2acd270c6a484338408f2b8ee576de748bdc0aa53a0c233802d9",
    ),
    ("django.core.handlers.base", "BaseHandler.process_exception_by_middleware"): (
        "44eeb9df97bfd37359edeb38c464cf634b101acb6860290edf9a1f9ec69c21e0",
    ),
    ("django.core.handlers.base", "BaseHandler.adapt_method_mode"): (
        "1f6383b647ac29590cd04274e8e5e2b356397ee26f8ea81d9a83ac905277283f",
    ),
}

# What we call as Django does, whoever has replaced it.
_CALLED_AS_IT_IS = {"response_for_exception": None}

_HANDLER = "django.core.handlers.asgi"
# Of all of them.
FILES = {
    ("django.core.handlers.asgi", "ASGIHandler.send_response"): (
        "76251b40ca55910d204fa5018a7ca5d77cbbbef8127090e05df0fcd5b0ac9c51",  # 4.2
        "77eda2b08689b44ee277c936092bde02e50f84727f7398480a127e7e9e1dad06",
        "d91e83d2c6859eda84c27849a03f1f4e4b84459f27db951cf95c9155cf4ff6ed",  # from 6.0 on
    ),
    ("django.http.response", "FileResponse._set_streaming_content"): (
        "730466eca8510b366ef8e0d50cb39081181c221a6eeb200124d9264b6029d795",
    ),
    ("django.http.response", "StreamingHttpResponse._set_streaming_content"): (
        "13e3617869b75565198edf2f1187780aeb7b7ab1724f031be08a6141e58d7cc8",  # 4.2
        "c11520c56e73d757cfe83ef0f79eebaa225dd2e23b283d51b1e52adc8a695add",
    ),
}

_RESPONSES = "django.http.response"
CONTENT = {
    _RESPONSES: (
        *(f"StreamingHttpResponse.{name}" for name in ("__iter__", "__aiter__")),
        "StreamingHttpResponse.streaming_content",
        "HttpResponseBase.make_bytes",
    ),
    _HANDLER: ("ASGIHandler.chunk_bytes",),
}
"""What a file passes by, whatever its text is, by modules."""

_STATIC = "django.contrib.staticfiles.handlers"
STATIC_FILES = {
    (_STATIC, "ASGIStaticFilesHandler.__call__"): (
        "08b3f0ace3e07334a3042fdb2eed3fa0c0672a520d69b937d964f04843ecb314",
    ),
    (_STATIC, "ASGIStaticFilesHandler.get_response_async"): (
        "441447ffb937775f12a417de4ed7f93fe9dfb11162517ca1ab5b018cbe88c322",
    ),
    (_STATIC, "StaticFilesHandlerMixin.get_response_async"): (
        "b6327375c7333f7cffa15b73416cdd7e635d3ab953829b9e891261a337eed6c0",
    ),
    (_STATIC, "StaticFilesHandlerMixin.serve"): (
        "c6b75cc1ea7c97f676fb0f7a0df397a908175a7f384af057f129c86043551f9e",
    ),
    ("django.contrib.staticfiles.views", "serve"): (
        "a0337518fb59eae54d7e3b88a02140965227c1ba507aafb54ee16833818c32e0",
    ),
    ("django.views.static", "serve"): (
        "364b5f729d617496b086a3383052623c02ee2e5d8353a060da2235c4a3d9e499",
        "dffce8ca15025a4e04c0004337726c8838d2bfcc8a1bb11bf015134efb0e7c73",  # from 6.0 on
    ),
    ("django.http.response", "FileResponse.__init__"): (
        "177cc900af34d08eaa761a15cd83a5c346573b6bcb7bf2844546caa8d1839a66",
    ),
    ("django.http.response", "FileResponse.set_headers"): (
        "506de4d46fdf258189a81bc65c7f3cd818d18b4cbb41fda95bee5abc69add824",  # 4.2
        "45a8a9372c44fe23fb25b2fd8cf275f65835bc08fa5ec398c5fcb765acfb782f",
    ),
    ("django.http.response", "HttpResponseNotModified.__init__"): (
        "fde058d171813e748eddeb8abbb24a4d8029f033b27ca81353b6b9dcae000ceb",
    ),
    ("django.core.handlers.asgi", "ASGIHandler.__call__"): (
        "f756809e9c9308dcccb78a301fccf09196e80cdc4745690f80384d09b69dd102",
    ),
}

_HANDLE = (_HANDLER, "ASGIHandler.handle")
HANDLES = {
    "32b49576bf696a717d12e9f74e67b96f0dea366878a52546af0f433501392be2": "4.2",
    "98faeb5bef800331e6a8002fbc96b30e4122a23438ae45a047190a531ea11323": "5.0",  # to 6.0
    "c91f27c7fcdc3fff4f1c7082e91cb30f0bfaa5781ca632a116b1d9e607fd752a": "6.1",
}
"""SHA-256 of ASGIHandler.handle, and the first release that has it."""

_CREATE = "5eae59c6696013ffad47c3c05da5820dc7e17b2a3c8a09f59e12fd9bede5dc4f"
_GET_RESPONSE = "ad82c920df0cebbb52b1ebafe6ab8b5541f200c39fa954a148b01f60725b715b"
_RESOLVE = "ff178c3d63eebcd3e38110341593518dcd67d84cff94bbc7dd5aa323637cba6d"
REQUESTS = {
    _HANDLE: tuple(HANDLES),
    ("django.core.handlers.asgi", "ASGIHandler.create_request"): (_CREATE,),
    ("django.core.handlers.base", "BaseHandler.get_response_async"): (_GET_RESPONSE,),
    ("django.core.handlers.base", "BaseHandler.resolve_request"): (_RESOLVE,),
}
"""What is done in the place of a request's code in all releases, by its texts."""
_RUN = "0234ea5fe09a577785a5f895752910cbb439f5e28ebb53bdd27247251c00e6ef"
_SEND = "django.dispatch.dispatcher"
BESIDES = {
    "4.2": {
        (_SEND, "Signal.send"): (
            "d7889ad6babeb8911bef25f23cb770dccb034f0fce8845cd29a4b6642f38ee31",
        ),
    },
    "5.0": {
        ("django.core.handlers.asgi", "ASGIHandler.run_get_response"): (_RUN,),
        (_SEND, "Signal.asend"): (
            "b27a0e4474a615690bf8bf2c6ba9bf6709c08fb63cb6ed4546a41a8a0ba1a368",
        ),
    },
    "6.1": {
        ("django.core.handlers.asgi", "ASGIHandler.run_get_response"): (_RUN,),
        (_SEND, "Signal.asend"): (
            "251720ef067471e0d62733779758bf3e1836b01946c04f1eb95e3c8833720416",
        ),
    },
}
"""What else is, by the first release that has such a `handle`."""
SIGNALS = ("request_started", "request_finished")
_SENDING = ("send", "asend")

_CONNECTIONS = "django.utils.connection"
OWN_RECEIVERS = {
    ("django.db", "reset_queries"): (
        "9989bcde56b2f76a5f82e3e24bccd1808759ca6ae72b501470e171628f1fe712",
    ),
    ("django.db", "close_old_connections"): (
        "c352dd45e8333c97d83fb0905f187e31475cb3d8bb9308611077febb6e21deb6",
    ),
    ("django.db.backends.base.base", "BaseDatabaseWrapper.close_if_unusable_or_obsolete"): (
        "9e0690a760eb710d7259a5878f6fd2052dd2718f95d7f64931526a6554be1a51",
        "6b6ae12ebd80c4bdd00b54247e47cc185b9777763950fb9d86a56b309327001c",  # from 6.0 on
    ),
    ("django.core.cache", "close_caches"): (
        "abe7badf0640b1466b5352dffad178f043f14c2dfab96eabb1275b50f4e301a6",
    ),
    ("django.core.handlers.base", "reset_urlconf"): (
        "7ad5ce3f320f5c51f1a6bc7867df5574482acc6df32968e4bb7842026b4d4707",
    ),
    (_CONNECTIONS, "BaseConnectionHandler.all"): (
        "025dd23cb80fcc62a12cd8c996fe8ef7b967a96758650452f6eceb3276a00606",
    ),
    (_CONNECTIONS, "BaseConnectionHandler.close_all"): (
        "4faac3895c01a40be9e051bf9b8f3dedbf3dd7e4e91267bc2b0466fc225a31ca",
    ),
    (_RESPONSES, "HttpResponseBase.close"): (
        "84589f5b23acbb23aa9010f3506ef411b72b1053f2fc2764590e2b3bf3470438",
    ),
    (_HANDLER, "ASGIRequest.close"): (
        "60e2d9a1933db6ead119c16e6287cd7eb032c7d86c1bd15db6657cbc26b4b098",
    ),
    ("django.http.request", "HttpRequest.close"): (
        "9a2302ad30a2a646da43b673ec057b898b11d9d756e8577325eb1d1a635c6745",
    ),
    (_SEND, "Signal.send"): (
        "d7889ad6babeb8911bef25f23cb770dccb034f0fce8845cd29a4b6642f38ee31",  # 4.2
        "30474fb27baa394646f376f62846e395ff57231d554f71cb96217cedccefac5d",  # 5.0 to 5.2
        "6c0d3cd71cb762973c958298cdaa8c528d27ee77a2ae09c2f39a47f2e9d361fe",  # 6.0
        "85b22666b79ea97bcb7d2f41c92ee5225626971e948185bc8cde0c730be6c05b",
    ),
}
"""Django's own receivers of a request's signals, and what they and closing a response run."""

# Of asgiref/sync.py before 3.8.0, whose calls are not cancelled as later ones are.
_WITH_OTHER_CALLS = {
    "47927c97fa3956662d306356300364e4f50c39402998828af2f2a88060874da3",
    "9bf03a3bb1ee8b87a499cec6ba5dbd019d81b59a4445c1e48390d0840a8b3e54",
    "5cda8466a3adee4d73a963d8b6fc8d6c45efe2275677a45bb9cb360d3f66653d",
}
_OF_CALLS = ("SyncToAsync.__call__", "_restore_context")
_RUNS = ("BaseEventLoop.run_in_executor",)


def unsupported_reason() -> str | None:
    """Return why no threads are leased for asgiref's contexts, or None."""
    if fingerprint("asgiref.sync") not in SYNC:
        return "asgiref.sync is not of the code that was tested"
    try:
        importlib.import_module(_HANDLE[0])
    except ImportError:
        return "it is older than ASGI"
    return change_in("asgiref.sync", _OF_CONTEXTS)


def unsupported_trips() -> str | None:
    """Return why trips to a leased thread are asgiref's, or None."""
    if fingerprint("asgiref.sync") in _WITH_OTHER_CALLS:
        return "asgiref is older than 3.8"
    return change_in("asgiref.sync", _OF_CALLS) or change_in("asyncio.base_events", _RUNS)


def unsupported_middleware() -> str | None:
    """Return why middleware is not run in few trips, or None."""
    return _unlike(MIDDLEWARE) or change_in("asgiref.sync", ["AsyncToSync.__call__"])


def _change_in(names: Mapping[str, tuple[str, ...]]) -> str | None:
    changes = (change_in(module, each) for module, each in names.items())
    return next((change for change in changes if change is not None), None)


def unsupported_files() -> str | None:
    """Return why the files of FileResponse are read by Django, or None."""
    return _unlike(FILES) or _change_in(CONTENT)


def unsupported_static_files() -> str | None:
    """Return why Django itself serves the static files of a site that is written, or None."""
    from casgi.django.static_code import passed_by

    reason = _unlike({**FILES, **STATIC_FILES}) or passed_by().change()
    return reason or (None if kind_of_requests() else "ASGIHandler.handle is not of a known code")


def unsupported_requests() -> str | None:
    """Return why requests do not begin in the first trip of their middleware, or None."""
    reason = _unlike(REQUESTS) or change_in(_HANDLE[0], ["ASGIHandler.request_class"])
    reason = reason or _unlike_signal()
    kind = kind_of_requests()
    return reason or (None if kind is None else _unlike(BESIDES[kind]))


def unlike_own_receivers() -> str | None:
    """Return why Django's receivers of a request's signals are called as ever, or None."""
    return _unlike(OWN_RECEIVERS) or change_in(_SEND, ["Signal._live_receivers"])


def _unlike_signal() -> str | None:
    for name, signal, hidden in signal_names():
        if hidden in vars(signal) or type(signal) is not Signal:
            return f"django.core.signals.{name}.{hidden} was replaced"
    return None


def signal_names() -> Iterator[tuple[str, Any, str]]:
    """Yield what the signals of a request must not hide from their class: name, object, method."""
    for name in SIGNALS:
        signal = getattr(signals, name)
        yield from ((name, signal, hidden) for hidden in _SENDING)


def kind_of_requests() -> str | None:
    """Return the first release of Django that has such a `handle` as is installed, if known."""
    return HANDLES.get(_text_of(*_HANDLE))


def _unlike(known: Mapping[tuple[str, str], tuple[str, ...]]) -> str | None:
    from casgi.django import sentry

    originals = sentry.originals()
    for (module, name), texts in known.items():
        wrapped = {one: original for (owner, one), original in originals.items() if owner == module}
        change = change_in(module, [name], {**_CALLED_AS_IT_IS, **wrapped})
        if change is not None:
            return change
        if _text_of(module, name, originals.get((module, name))) not in texts:
            return f"{module}.{name} is not of the code that was tested"
    return None


def _text_of(module: str, name: str, original: object = None) -> str:
    """Return the SHA-256 of a function's source; "" when it has none, or is not there."""
    try:
        function = original or attrgetter(name)(importlib.import_module(module))
    except AttributeError:
        return ""
    return function_fingerprint(function)
