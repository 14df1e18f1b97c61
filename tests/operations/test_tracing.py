"""Spans by OpenTelemetry: of the right trace, without data of a person, and nothing of it unless asked for."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pytest_httpserver import HTTPServer

from streams import topics, trace_context, tracing
from streams.changes import Effect
from streams.connectors import configuration
from streams.connectors.source import Record as Handed
from streams.connectors.webhook import Webhook, WebhookSink
from streams.lane.record import Record
from tests.collector.conftest import Running, collector, keys, mapping, routes
from tests.connectors.handoffs import handoff, handoff_id, lead_key
from tests.connectors.memory import MemoryDeadLetters, MemorySource, Scripted, run_until

__all__ = ["collector", "keys", "mapping", "routes"]

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACE = f"00-{TRACE_ID}-{SPAN_ID}-01"
OTHER = "00-1111111111111111aaaaaaaaaaaaaaaa-2222222222222222-01"
PAGE = {"anonymousId": "a-1", "properties": {"url": "https://example.com/"}}


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    assert tracing.start("tests", exporter) is None
    yield exporter
    tracing.stop()


def one(spans: InMemorySpanExporter) -> ReadableSpan:
    (found,) = spans.get_finished_spans()
    return found


def traces(*traceparents: str) -> list[Record]:
    return [
        Record("web-visits", 3, n, 0, None, b"", [*trace_context.headers(t)]) for n, t in enumerate(traceparents)
    ]


def ids(span: ReadableSpan) -> tuple[str, str | None]:
    """Its trace and its parent."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}" if span.parent else None


# --- the collector


async def test_a_request_is_a_span_of_its_senders_trace_and_its_records_are_of_that_span(
    collector: Running, spans: InMemorySpanExporter
) -> None:
    assert (await collector.post("/v1/page", PAGE, traceparent=TRACE))[0] == 200

    span = one(spans)
    assert (span.name, span.kind, ids(span)) == ("collect page", SpanKind.SERVER, (TRACE_ID, SPAN_ID))
    assert span.attributes == {"leadstreams.route": "page", "http.response.status_code": 200}
    assert span.context is not None
    carried = trace_context.of(collector.gateway.records[0].headers)
    assert carried == f"00-{TRACE_ID}-{span.context.span_id:016x}-01"


async def test_a_request_without_a_trace_begins_one(collector: Running, spans: InMemorySpanExporter) -> None:
    await collector.post("/v1/page", PAGE, traceparent="ada@firm.test")

    span = one(spans)
    assert ids(span)[1] is None
    assert trace_context.of(collector.gateway.records[0].headers) is not None
    assert "ada@" not in span.to_json()


async def test_without_tracing_a_senders_trace_goes_on_and_no_other_header_comes_to_be(collector: Running) -> None:
    await collector.post("/v1/page", PAGE, traceparent=TRACE)
    await collector.post("/v1/page", PAGE, traceparent="nonsense")
    await collector.post("/v1/page", PAGE)

    given = [record.headers for record in collector.gateway.records]
    assert given == [(("traceparent", TRACE.encode()),), (), ()]


# --- the worker


def test_a_batch_of_one_trace_is_a_part_of_it(spans: InMemorySpanExporter) -> None:
    with tracing.batch("web-visits", 3, traces(TRACE, TRACE)):
        pass

    span = one(spans)
    assert (span.name, span.kind, ids(span)) == ("apply web-visits", SpanKind.CONSUMER, (TRACE_ID, SPAN_ID))
    assert span.attributes == {
        "messaging.destination.name": "web-visits",
        "messaging.destination.partition.id": "3",
        "messaging.batch.message_count": 2,
    }


def test_a_batch_of_several_traces_is_linked_to_the_first_of_them(spans: InMemorySpanExporter) -> None:
    many = [f"00-{n:032x}-{n:016x}-01" for n in range(1, 100)]

    with tracing.batch("web-visits", 3, traces(*many)):
        pass

    span = one(spans)
    assert span.parent is None
    assert [link.context.trace_id for link in span.links] == list(range(1, tracing.MOST_LINKS + 1))


def test_a_batch_that_fails_says_so_without_what_the_exception_says(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="ada"), tracing.batch("web-visits", 3, traces(TRACE)):
        raise ValueError("ada@firm.test")

    span = one(spans)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert "ada@" not in span.to_json()


def test_a_committed_handoff_is_a_span_of_the_trace_of_its_cause(spans: InMemorySpanExporter) -> None:
    headers = (*trace_context.headers(TRACE), ("handoff-id", b"ho-1"))
    effects = [
        Effect(topics.LEAD_TRANSITIONS, 0, b"k", b"v"),
        Effect(topics.SALES_HANDOFFS, 0, b"k", b"v", headers),
    ]

    tracing.handed_over(effects, 0.25)

    span = one(spans)
    assert (span.name, span.kind, ids(span)) == ("hand over", SpanKind.PRODUCER, (TRACE_ID, SPAN_ID))
    assert span.attributes is not None
    assert span.attributes["leadstreams.handoff_id"] == "ho-1"
    assert span.start_time is not None
    assert span.end_time is not None
    assert 0.25 <= (span.end_time - span.start_time) / 1e9 < 5


# --- connectors


def traced(source: MemorySource, *traceparents: str | None) -> MemorySource:
    """The source, its records with headers as the worker writes them."""
    source.records = [
        Handed(*record[:5], trace_context.headers(trace))
        for record, trace in zip(source.records, traceparents, strict=True)
    ]
    return source


def handed(count: int) -> MemorySource:
    return MemorySource([(lead_key(n).encode(), handoff(n)) for n in range(count)])


async def deliver(source: MemorySource, sink: Scripted | WebhookSink) -> None:
    await run_until(lambda: source.done, sink, source, MemoryDeadLetters())


async def test_a_delivery_is_a_span_of_its_handoffs_trace(spans: InMemorySpanExporter) -> None:
    await deliver(traced(handed(1), TRACE), Scripted())

    span = one(spans)
    assert (span.name, span.kind, ids(span)) == ("deliver test", SpanKind.CLIENT, (TRACE_ID, SPAN_ID))
    assert span.attributes == {"leadstreams.connector": "test", "leadstreams.outcomes": "Delivered"}


async def test_a_delivery_of_several_handoffs_is_linked_to_their_traces(spans: InMemorySpanExporter) -> None:
    await deliver(traced(handed(3), TRACE, OTHER, None), Scripted(batch=10))

    linked = [f"{link.context.trace_id:032x}" for link in one(spans).links]
    assert linked == [TRACE_ID, OTHER[3:35]]


@pytest.mark.parametrize("switched_on", [False, True], ids=["off", "on"])
async def test_a_webhook_hears_of_the_trace(
    switched_on: bool, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    spans: InMemorySpanExporter | None = request.getfixturevalue("spans") if switched_on else None
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    monkeypatch.setenv("HOOK", httpserver.url_for("/hook"))
    settings = configuration.read(b"kind: webhook\nurl: {env: HOOK}\n", "hook.yaml")
    assert isinstance(settings, Webhook)
    sink = WebhookSink(settings)
    await sink.open()
    try:
        await deliver(traced(handed(1), TRACE), sink)
    finally:
        await sink.close()

    sent, _ = httpserver.log[0]
    if spans is None:
        assert sent.headers["traceparent"] == TRACE
    else:
        span = one(spans)
        assert span.context is not None
        assert sent.headers["traceparent"] == f"00-{TRACE_ID}-{span.context.span_id:016x}-01"
    assert sent.headers["Idempotency-Key"] == handoff_id(0)


# --- without it


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


def test_nothing_of_opentelemetry_is_imported_unless_asked_for() -> None:
    program = """
import sys
import streams.worker, streams.collector.server, streams.connectors.process
from streams import tracing
with tracing.request("page", None), tracing.batch("t", 0, []), tracing.delivery("crm", []):
    tracing.note("a", 1)
tracing.handed_over([], 0.0)
found = [name for name in sys.modules if name.startswith("opentelemetry")]
assert not found, found
"""
    ran = run(program)
    assert ran.returncode == 0, ran.stderr


def test_asked_for_and_not_installed_it_says_what_to_install() -> None:
    ran = run(
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from streams import tracing\n"
        "print(tracing.start('worker'))"
    )
    assert ran.stdout.strip() == tracing.MISSING, ran.stderr


def test_a_place_for_spans_that_is_away_holds_nobody_up() -> None:
    program = """
import time
from streams import tracing
assert tracing.start("worker") is None
with tracing.request("page", None):
    pass
began = time.monotonic()
tracing.stop()
assert time.monotonic() - began < tracing.GOODBYE_S + 1
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
