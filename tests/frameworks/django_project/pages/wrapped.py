"""The project within ASGI middleware of other packages."""

from typing import Any

from pages.asgi import application
from pages.settings import FOLDER


def make_sentry() -> Any:
    import sentry_sdk
    from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
    from sentry_sdk.transport import Transport

    class Printed(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            event = envelope.get_event() or envelope.get_transaction_event() or {}
            for exception in event.get("exception", {}).get("values", []):
                print("sentry event", exception["type"], exception["value"], flush=True)
            if event.get("type") == "transaction":
                print("sentry transaction", event["transaction"], flush=True)

    sentry_sdk.init(
        "http://key@127.0.0.1:9/1",
        transport=Printed,
        traces_sample_rate=1.0,
        auto_session_tracking=False,
    )
    return SentryAsgiMiddleware(application)


def make_traced() -> Any:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    def line(span: Any) -> str:
        return f"span {span.name} {span.kind.name}\n"

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
    return OpenTelemetryMiddleware(application, tracer_provider=provider)


def make_static() -> Any:
    from servestatic import ServeStaticASGI

    return ServeStaticASGI(application, root=FOLDER / "static", prefix="static")
