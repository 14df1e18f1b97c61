"""Spans by OpenTelemetry, for whoever installs the extra `tracing` and sets LEADSTREAMS_TRACING; else nothing.

Where spans go and how many are kept is said by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER...). Switched off, nothing of it is imported. No span holds data of a person.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from streams import topics, trace_context
from streams.changes import Effect, Record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

MISSING: Final = "LEADSTREAMS_TRACING needs OpenTelemetry: pip install 'leadstreams[tracing]'"
MOST_LINKS: Final = 32
"""Traces that one batch is linked to; OpenTelemetry itself keeps 128."""
GOODBYE_S: Final = 1.0
"""A stopping process waits this long for its last spans to leave."""

Spanned = AbstractContextManager[Any]

_NOTHING: Final[Spanned] = nullcontext()
_HANDOFFS: Final = (topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW)


class _Spans:
    """What is called while tracing is on."""

    def __init__(self, exporter: "SpanExporter", service: str, at_once: bool) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace = trace
        self._context = TraceContextTextMapPropagator()
        resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service)})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        processor = SimpleSpanProcessor(exporter) if at_once else BatchSpanProcessor(exporter)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("leadstreams")

    @contextmanager
    def span(
        self,
        name: str,
        kind: str,
        of: Sequence[str],
        attributes: Mapping[str, str | int],
        start_ns: int | None = None,
    ) -> Iterator[None]:
        """A child of the one trace it is of; of several, a trace of its own with links to them."""
        trace = self._trace
        contexts = [self._context.extract({trace_context.HEADER: found}) for found in of]
        links = [trace.Link(trace.get_current_span(found).get_span_context()) for found in contexts]
        with self._tracer.start_as_current_span(
            name,
            contexts[0] if len(contexts) == 1 else None,
            kind=trace.SpanKind[kind],
            attributes=attributes,
            links=links if len(links) > 1 else (),
            start_time=start_ns,
            record_exception=False,  # what an exception says may quote an event
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def current(self) -> str | None:
        carrier: dict[str, str] = {}
        self._context.inject(carrier)
        return carrier.get(trace_context.HEADER)

    def note(self, name: str, value: str | int) -> None:
        self._trace.get_current_span().set_attribute(name, value)

    def flush(self) -> None:
        self._provider.force_flush()


_spans: _Spans | None = None


def start(service: str, exporter: "SpanExporter | None" = None) -> str | None:
    """Switch tracing on for this process; one line if OpenTelemetry is not installed.

    `service` is its name unless OTEL_SERVICE_NAME says another. An exporter that is given gets each span at once.
    """
    global _spans
    try:
        if exporter is not None:
            _spans = _Spans(exporter, service, at_once=True)
        else:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            _spans = _Spans(OTLPSpanExporter(), service, at_once=False)
    except ImportError:
        return MISSING
    return None


def stop() -> None:
    """Send what is left, for a second at most: whoever takes spans may be away."""
    global _spans
    spans, _spans = _spans, None
    if spans is not None:
        flushing = threading.Thread(target=spans.flush, daemon=True)
        flushing.start()
        flushing.join(GOODBYE_S)


def traceparent(given: str | None) -> str | None:
    """What goes on with the data: the span that is open, or, without tracing, what came with it."""
    return trace_context.valid(given) if _spans is None else _spans.current()


def request(route: str, given: str | None) -> Spanned:
    """Around a request of the collector."""
    if _spans is None:
        return _NOTHING
    sender = trace_context.valid(given)
    return _spans.span(f"collect {route}", "SERVER", [sender] if sender else [], {"leadstreams.route": route})


def note(name: str, value: str | int) -> None:
    """An attribute of the span that is open."""
    if _spans is not None:
        _spans.note(name, value)


def batch(topic: str, partition: int, records: Sequence[Record]) -> Spanned:
    """Around the application of a batch: one trace, linked to those of its first records that have one."""
    if _spans is None:
        return _NOTHING
    attributes: dict[str, str | int] = {
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.batch.message_count": len(records),
    }
    return _spans.span(f"apply {topic}", "CONSUMER", _traces(record.headers for record in records), attributes)


def handed_over(effects: Iterable[Effect], took_s: float) -> None:
    """One span per handoff of a transaction that was committed just now, in the trace of what caused it."""
    if _spans is None:
        return
    start_ns = time.time_ns() - int(took_s * 1e9)
    for effect in effects:
        if effect.topic in _HANDOFFS:
            handoff = next((value.decode() for name, value in effect.headers if name == "handoff-id"), "")
            attributes = {"messaging.destination.name": effect.topic, "leadstreams.handoff_id": handoff}
            with _spans.span("hand over", "PRODUCER", _traces([effect.headers]), attributes, start_ns):
                pass


def delivery(connector: str, traceparents: Iterable[str | None]) -> Spanned:
    """Around a delivery of a connector."""
    if _spans is None:
        return _NOTHING
    known = [found for found in traceparents if found is not None][:MOST_LINKS]
    return _spans.span(f"deliver {connector}", "CLIENT", known, {"leadstreams.connector": connector})


def _traces(headers: Iterable[Iterable[tuple[str, bytes]]]) -> list[str]:
    """The traces of so many records, each once."""
    found: dict[str, None] = {}
    for of_record in headers:
        if of_record and (one := trace_context.of(of_record)) is not None:
            found[one] = None
            if len(found) == MOST_LINKS:
                break
    return list(found)
