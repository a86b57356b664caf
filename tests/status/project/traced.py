"""A project of Django and Channels that OpenTelemetry traces, as docs/opentelemetry.md says."""

import os
import re
from pathlib import Path

import django
from django.conf import settings
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

PAGE = Path(__file__).parents[3] / "docs" / "opentelemetry.md"
TRACING, ASGI = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "3600000"  # There is no collector.

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    DEBUG=False,
    INSTALLED_APPS=["casgi"] if "TRACED_BY_CASGI" in os.environ else [],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of the tests",
)
exec(TRACING)
exporter = InMemorySpanExporter()
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
tracer = trace.get_tracer(__name__)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402, F401
from django.core.asgi import get_asgi_application  # noqa: E402, F401
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


def sync_view(request, number):
    with tracer.start_as_current_span("work of the sync view"):
        return HttpResponse("sync")


async def async_view(request):
    with tracer.start_as_current_span("work of the async view"):
        return HttpResponse("async")


def failing_view(request):
    raise RuntimeError("of the test")


def finished_spans(request):
    """Return what has been traced so far: each span with the names of all above it."""
    spans = {span.context.span_id: span for span in exporter.get_finished_spans()}

    def line(span):
        names = [span.name]
        while span.parent is not None and span.parent.span_id in spans:
            span = spans[span.parent.span_id]
            names.append(span.name)
        if span.parent is not None:
            names.append(f"{span.parent.trace_id:x}/{span.parent.span_id:x}")
        return names

    return JsonResponse(
        [[span.kind.name, span.status.status_code.name, *line(span)] for span in spans.values()],
        safe=False,
    )


class Room(AsyncWebsocketConsumer):
    """Says to all what one has said; whose handler has a span of its own."""

    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        with tracer.start_as_current_span("said"):
            await self.channel_layer.group_send("room", {"type": "say", "text": text_data})

    async def say(self, event):
        with tracer.start_as_current_span("say"):
            await self.send(text_data=event["text"])


class PlainRoom(AsyncWebsocketConsumer):
    """The same without any span: its handler is one that casgi could run once for all."""

    async def connect(self):
        await self.channel_layer.group_add("plain", self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("plain", {"type": "say", "text": text_data})

    async def say(self, event):
        await self.send(text_data=event["text"])


urlpatterns = [
    path("sync/<int:number>/", sync_view),
    path("async/", async_view),
    path("failing/", failing_view),
    path("spans/", finished_spans),
]
websocket_urlpatterns = [path("room/", Room.as_asgi()), path("plain/", PlainRoom.as_asgi())]
exec(ASGI)
http_too = OpenTelemetryMiddleware(application, exclude_spans=["receive", "send"])  # noqa: F821
