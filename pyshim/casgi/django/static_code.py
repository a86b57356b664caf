"""What a static file passes by: Django's code that would make a request and a response of it.

Somebody may have put something in the place of any of it, a tool that traces requests, or a header
that every response gets, and wants to be called.
"""

from collections import defaultdict

from casgi.channels.part import Part
from casgi.django.code_watch import names_there

_CODE = {
    "django.contrib.staticfiles.handlers": ("StaticFilesHandlerMixin", "ASGIStaticFilesHandler"),
    "django.contrib.staticfiles.views": ("serve",),
    "django.views.static": ("serve",),
    "django.core.handlers.asgi": (
        *("ASGIHandler", "ASGIHandler.request_class", "ASGIRequest", "get_script_prefix"),
    ),
    "django.urls.base": ("set_script_prefix", "set_urlconf"),
    "django.http.request": ("HttpRequest._set_content_type_params", "HttpRequest.close"),
    "django.http.response": (
        *("ResponseHeaders", "HttpResponseBase", "HttpResponse", "StreamingHttpResponse"),
        *("FileResponse", "HttpResponseNotModified.__init__"),
    ),
    "django.utils.http": ("parse_header_parameters", "_parseparam"),
    "django.utils.datastructures": ("CaseInsensitiveMapping",),
    "django.dispatch.dispatcher": ("Signal.send", "Signal.asend", "Signal._live_receivers"),
    # Who receives the signals of a request, where nobody else does.
    "django.db": ("close_old_connections", "reset_queries"),
    "django.utils.connection": ("BaseConnectionHandler",),
    "django.core.cache": ("close_caches",),
    "django.core.handlers.base": ("reset_urlconf",),
}
_SIGNALS = ("request_started", "request_finished")


def passed_by() -> Part:
    """Return what this release of Django has of it."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    listed = ((module, name) for module, each in _CODE.items() for name in each)
    for home, name in names_there(listed):
        names[home].append(name)
    return Part(
        {module: tuple(found) for module, found in names.items()},
        objects={
            ("django.core.signals", signal): ("django.dispatch.dispatcher", "Signal")
            for signal in _SIGNALS
        },
    )
