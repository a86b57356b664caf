"""Packages that stand around Django's middleware and views, and what they report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pages
from reports import plain


class Package:
    """One package: what it adds to the settings, and what it has reported since it was asked."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        """Add to the settings, before Django is set up."""

    def start(self) -> None:
        """Begin, before Django is set up."""

    def application(self, django_application: Any) -> Any:
        """Return the application of the site, which Django has made."""
        return django_application

    def reports(self) -> list[Any]:
        """Return what was reported, without what differs from request to request."""
        return []


class Nothing(Package):
    """No package: Django's own middleware."""


class WhiteNoise(Package):
    """Files by sync-only middleware."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        (folder / "hello.txt").write_text("a static file\n")
        settings["STATIC_ROOT"] = str(folder)
        settings["MIDDLEWARE"].insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")


class CorsHeaders(Package):
    """Middleware of both kinds, a class."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        settings["CORS_ALLOWED_ORIGINS"] = ["https://example.com"]
        settings["INSTALLED_APPS"].append("corsheaders")
        settings["MIDDLEWARE"].insert(2, "corsheaders.middleware.CorsMiddleware")


class WhiteNoiseAndCorsHeaders(WhiteNoise):
    """Both, as many projects have them."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        super().configure(settings, folder)
        CorsHeaders().configure(settings, folder)


class Routed(Package):
    """Channels' router, and Django's handler of static files, as runserver has them."""

    def application(self, django_application: Any) -> Any:
        from channels.routing import ProtocolTypeRouter
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        return ProtocolTypeRouter({"http": ASGIStaticFilesHandler(django_application)})


class Allauth(Package):
    """Middleware of both kinds, a function."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        settings["INSTALLED_APPS"] += ["allauth", "allauth.account"]
        settings["MIDDLEWARE"].append("allauth.account.middleware.AccountMiddleware")

    def application(self, django_application: Any) -> Any:
        pages.add_urls("accounts/", "allauth.urls")
        return django_application


class DebugToolbar(Package):
    """Middleware of both kinds, which changes pages."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        settings["DEBUG"] = True
        settings["INTERNAL_IPS"] = ["127.0.0.1"]
        settings["INSTALLED_APPS"].append("debug_toolbar")
        settings["MIDDLEWARE"].insert(0, "debug_toolbar.middleware.DebugToolbarMiddleware")

    def application(self, django_application: Any) -> Any:
        pages.add_urls("__debug__/", "debug_toolbar.urls")
        return django_application


class Sentry(Package):
    """Errors and transactions, as its SDK sends them."""

    middleware_spans = False

    def __init__(self) -> None:
        self._envelopes: list[Any] = []

    def start(self) -> None:
        import sentry_sdk
        from sentry_sdk.integrations.django import DjangoIntegration
        from sentry_sdk.transport import Transport

        envelopes = self._envelopes

        class Kept(Transport):
            def capture_envelope(self, envelope: Any) -> None:
                envelopes.append(envelope)

        sentry_sdk.init(
            "http://key@127.0.0.1:9/1",
            transport=Kept,
            traces_sample_rate=1.0,
            send_default_pii=True,
            auto_session_tracking=False,
            auto_enabling_integrations=False,
            integrations=[DjangoIntegration(middleware_spans=self.middleware_spans)],
        )

    def reports(self) -> list[Any]:
        items = [item for envelope in self._envelopes for item in envelope.items]
        del self._envelopes[:]
        return [plain(item.payload.json) for item in items]


class SentryWithSpans(Sentry):
    """With a span for each middleware, which its wrappers make."""

    middleware_spans = True


class SentryAndAllauth(Sentry):
    """A middleware that is a function, behind its wrappers."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        Allauth().configure(settings, folder)

    def application(self, django_application: Any) -> Any:
        return Allauth().application(django_application)


class OpenTelemetry(Package):
    """Spans of its instrumentation of Django, which is middleware."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def start(self) -> None:
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        DjangoInstrumentor().instrument(tracer_provider=self._provider)

    def reports(self) -> list[Any]:
        import json

        spans = self._exporter.get_finished_spans()
        self._exporter.clear()
        return [plain(json.loads(span.to_json())) for span in spans]


class DataDog(Package):
    """Spans of ddtrace, which wraps methods of middleware classes."""

    def start(self) -> None:
        import ddtrace
        from ddtrace.trace import TraceFilter, tracer

        traces = self._traces = []

        class Kept(TraceFilter):
            def process_trace(self, trace: Any) -> None:
                traces.append(trace)

        tracer.configure(trace_processors=[Kept()])
        ddtrace.patch(django=True, asyncio=True)

    def reports(self) -> list[Any]:
        found = [plain(span_of_datadog(span)) for trace in self._traces for span in trace]
        del self._traces[:]
        return found


def span_of_datadog(span: Any) -> dict[str, Any]:
    names = ("name", "resource", "service", "span_type", "error", "span_id", "parent_id")
    return {**{name: getattr(span, name) for name in names}, "tags": dict(span.get_tags())}


class ElasticApm(Package):
    """Transactions of Elastic's agent, which wraps methods of middleware classes."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        settings["INSTALLED_APPS"].append("elasticapm.contrib.django")
        settings["ELASTIC_APM"] = {
            "SERVICE_NAME": "site",
            "TRANSPORT_CLASS": "elastic_transport.KeptTransport",
            "CENTRAL_CONFIG": False,
            "CLOUD_PROVIDER": False,
            "METRICS_INTERVAL": "0s",
            # What depends on how long something has taken.
            "SPAN_STACK_TRACE_MIN_DURATION": "-1ms",
            "SPAN_COMPRESSION_ENABLED": False,
            "EXIT_SPAN_MIN_DURATION": "0ms",
        }
        settings["MIDDLEWARE"].insert(0, "elasticapm.contrib.django.middleware.TracingMiddleware")

    def application(self, django_application: Any) -> Any:
        from elasticapm.contrib.asgi import ASGITracingMiddleware

        return ASGITracingMiddleware(django_application)

    def reports(self) -> list[Any]:
        from elastic_transport import kept

        found = [plain(report) for report in kept]
        del kept[:]
        return found


class NewRelic(Package):
    """Transactions of New Relic's agent, which wraps functions of Django's."""

    def configure(self, settings: dict[str, Any], folder: Path) -> None:
        import newrelic.agent
        from newrelic.core.stats_engine import StatsEngine

        file = folder / "newrelic.ini"
        file.write_text("[newrelic]\napp_name = site\ndeveloper_mode = true\nlog_level = error\n")
        newrelic.agent.initialize(str(file), log_file=str(folder / "agent.log"))
        nodes = self._nodes = []
        record = StatsEngine.record_transaction

        def kept(engine: Any, node: Any) -> Any:
            nodes.append(node)
            return record(engine, node)

        StatsEngine.record_transaction = kept
        newrelic.agent.register_application(timeout=10.0)

    def reports(self) -> list[Any]:
        found = [plain(tree_of_newrelic(node)) for node in self._nodes]
        del self._nodes[:]
        return found


def tree_of_newrelic(transaction: Any) -> dict[str, Any]:
    def tree(node: Any) -> Any:
        name = getattr(node, "name", type(node).__name__)
        return [str(name), [tree(child) for child in getattr(node, "children", ())]]

    return {
        "path": transaction.path,
        "errors": [f"{error.type} {error.message}" for error in transaction.errors],
        "root": tree(transaction.root),
    }


PACKAGES: dict[str, tuple[str, type[Package]]] = {
    "nothing": ("django", Nothing),
    "whitenoise": ("whitenoise", WhiteNoise),
    "corsheaders": ("corsheaders", CorsHeaders),
    "whitenoise-and-corsheaders": ("corsheaders", WhiteNoiseAndCorsHeaders),
    "routed": ("channels", Routed),
    "allauth": ("allauth", Allauth),
    "debug-toolbar": ("debug_toolbar", DebugToolbar),
    "sentry": ("sentry_sdk", Sentry),
    "sentry-with-spans": ("sentry_sdk", SentryWithSpans),
    "sentry-and-allauth": ("allauth", SentryAndAllauth),
    "opentelemetry": ("opentelemetry.instrumentation.django", OpenTelemetry),
    "ddtrace": ("ddtrace", DataDog),
    "elastic-apm": ("elasticapm", ElasticApm),
    "newrelic": ("newrelic", NewRelic),
}
"""By name: the module that has to be installed, and the package."""
