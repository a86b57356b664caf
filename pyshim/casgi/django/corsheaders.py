"""django-cors-headers' middleware, whose own code before and after the view may run in any thread.

It is of both kinds: Django lets it be async where what is behind it is, and it then does in the
event loop what it does in a thread else, by the same two methods. They read the request, the
settings and the response, and nothing that a thread could change; but they send a signal, whose
receivers are the project's. So it is taken apart where its text is one that was read, all that it
reads is still there, its settings are plain values and the signal has no receivers.
"""

import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import LazySettings, Settings, UserSettingsHolder, global_settings, settings
from django.dispatch import Signal

from casgi.channels.sharing.facts import Fact, Kind
from casgi.django.middleware_parts import MiddlewareParts
from casgi.origin import Watch, WatchedCode, change_in, fingerprint, places_in

_MIDDLEWARE = "corsheaders.middleware"
_CONF = "corsheaders.conf"
# SHA-256 of both files, of all releases from 4.1, the first that has async code.
_TEXTS = {
    (  # 4.1.0, 4.2.0
        "4457ffa4203756fd36788d88bc47f8c42692d06965dddfcff1ad3249e40ef773",
        "640b7e130307c1eb9a6ae5912a0c1ed84f03768d23d6fdc85964f79c2f703d8d",
    ),
    (  # 4.3.0
        "5b291a94da15a9ee25cd474ea1a3d7a0326eee6f484b0ff72226f7dcde048ed5",
        "250fdc6cd07b8ce4ed1e1351aadaa32af26237157e23de3a03ce8a49a975efea",
    ),
    (  # 4.3.1
        "5c234392d9f5564ae56f38941701784270ee7d919fe925be8ab64f1a2f58783b",
        "250fdc6cd07b8ce4ed1e1351aadaa32af26237157e23de3a03ce8a49a975efea",
    ),
    (  # 4.4.0
        "5c234392d9f5564ae56f38941701784270ee7d919fe925be8ab64f1a2f58783b",
        "662cd7a2be11b0828c0c2e97df2dc503b12b23cc512fcb41e44395fc58ab821e",
    ),
    (  # 4.5.0 to 4.7.0
        "7551d630f691e173aa5fd0b34bddf15383a991fa058413507364c07eddc79754",
        "1e8eb49ae110a72a6c4c082553aa8949aa587244099072592e875fc6671d66e7",
    ),
    (  # 4.8.0, 4.9.0
        "80babecae39963aabbc6661f2a9446ccb5f05c847b05cd16c84a56cf8718b915",
        "dc493dd3b1c82a90ee65d70498ed3e8f5edc5d2f88932c486d2e4116d910745e",
    ),
}
_SETTINGS = (
    *("CORS_ALLOW_HEADERS", "CORS_ALLOW_METHODS", "CORS_ALLOW_CREDENTIALS"),
    *("CORS_ALLOW_PRIVATE_NETWORK", "CORS_PREFLIGHT_MAX_AGE", "CORS_ALLOW_ALL_ORIGINS"),
    *("CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"),
    *("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST", "CORS_EXPOSE_HEADERS"),
    "CORS_URLS_REGEX",
)
_SIMPLE = {bool, int, str, type(None), re.Pattern}
_COLLECTIONS = {list, tuple, set, frozenset}
# What is looked at of the middleware itself.
_OF_INSTANCES = (
    *("__call__", "__acall__", "__getattribute__", "__getattr__", "check_preflight"),
    *("add_response_headers", "origin_found_in_white_lists", "regex_domain_match"),
    *("is_enabled", "check_signal", "_url_in_whitelist", "get_response", "async_mode"),
    *("_is_coroutine", "_is_coroutine_mark", "_is_coroutine_marker"),
)


class _CorsParts(MiddlewareParts):
    """A CorsMiddleware in async mode."""

    __slots__ = ()

    @property
    def get_response(self) -> Any:
        """What is behind it."""
        return self.instance.get_response

    def process_request(self, request: Any) -> Any:
        """Return the response to a preflight request, else None."""
        return self.instance.check_preflight(request)

    def process_response(self, request: Any, response: Any) -> Any:
        """Add the headers to a response, and return it."""
        self.instance.add_response_headers(request, response)
        return response


def is_middleware(factory: Any) -> bool:
    """Whether this is the package's class."""
    module = sys.modules.get(_MIDDLEWARE)
    return module is not None and factory is vars(module).get("CorsMiddleware")


def parts_of(middleware: Any) -> MiddlewareParts | None:
    """Return the parts of a middleware, if it is such a one and they may run in any thread."""
    if not is_middleware(type(middleware)):
        return None
    module = sys.modules[_MIDDLEWARE]
    if unsupported_reason() is not None or vars(middleware).keys() & _methods_of(module):
        return None
    own = vars(middleware)
    is_async = own.get("async_mode", own.get("_is_coroutine"))
    if not is_async or not iscoroutinefunction(middleware.get_response):
        return None
    signal = module.check_request_enabled
    values = [(name, settings.__dict__[name]) for name in _SETTINGS if hasattr(settings, name)]
    mutable = [value for _, value in values if type(value) in (list, set)]
    copies = [(value, type(value)(value)) for value in (*mutable, signal.receivers)]
    facts = [*_known.facts(), *_facts_of(signal, dict(values))]
    return _CorsParts(middleware, facts, _OF_INSTANCES, copies)


def unsupported_reason() -> str | None:
    """Return why the middleware runs in the event loop, as ever; None as well if it is not used."""
    module = sys.modules.get(_MIDDLEWARE)
    if module is None:
        return None
    reason = _known.change()
    if reason is not None:
        return reason
    signal = module.check_request_enabled
    if type(signal) is not Signal or signal.receivers:
        return f"{_MIDDLEWARE}.check_request_enabled has receivers"
    return _unlike_settings()


def _methods_of(module: ModuleType) -> set[str]:
    return {name for name, value in vars(module.CorsMiddleware).items() if callable(value)}


def _unlike_settings() -> str | None:
    """Return which setting may run code when it is read, or None."""
    for holder in _holders():
        is_known = type(holder) in (LazySettings, UserSettingsHolder, Settings)
        if not is_known and holder is not global_settings:
            return f"the settings are a {type(holder).__qualname__}"
    for name in _SETTINGS:
        value = getattr(settings, name, None)
        parts: Any = value if type(value) in _COLLECTIONS else (value,)
        if any(type(part) not in _SIMPLE for part in parts):
            return f"{name} is no plain value"
    return None


def _holders() -> Iterator[Any]:
    """Yield all in which a setting is looked up."""
    holder: Any = settings
    while holder is not None:
        yield holder
        name = "_wrapped" if holder is settings else "default_settings"
        holder = vars(holder).get(name)


def _facts_of(signal: Any, values: dict[str, Any]) -> Iterator[Fact]:
    yield Kind.TYPE, signal, "", type(signal)
    yield Kind.NAME, vars(signal), "receivers", signal.receivers
    for holder in _holders():
        own = vars(holder)
        yield Kind.ATTRIBUTES, holder, "", own
        for name in ("_wrapped", "default_settings", *_SETTINGS):
            if name in own:
                yield Kind.NAME, own, name, own[name]
            elif name not in values or holder is not settings:
                yield Kind.ABSENT, own, name, None


def _look() -> Watch | str:
    module, conf = sys.modules[_MIDDLEWARE], sys.modules[_CONF]
    if (fingerprint(_MIDDLEWARE), fingerprint(_CONF)) not in _TEXTS:
        return f"{_MIDDLEWARE} is not of a code that was read"
    reason = (
        change_in(_MIDDLEWARE, ["CorsMiddleware"])
        or change_in(_CONF, ["Settings"])
        or change_in("django.dispatch.dispatcher", ["Signal.send"])
        or change_in("django.utils.cache", ["patch_vary_headers"])
    )
    if reason is not None:
        return reason
    if type(conf.conf) is not conf.Settings or vars(conf.conf):
        return f"{_CONF}.conf was replaced"
    return Watch(
        [
            *places_in(module),
            *places_in(conf),
            *((module.CorsMiddleware, name) for name in _OF_INSTANCES),
            *places_in(conf.Settings),
            *((conf.Settings, name) for name in ("__getattribute__", "__getattr__")),
            *((Signal, name) for name in ("send", "__getattribute__")),
            *((LazySettings, name) for name in ("__getattr__", "__getattribute__")),
        ]
    )


_known = WatchedCode(_look)
