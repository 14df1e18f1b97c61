"""docker-compose.yml, run as processes: its commands, environments, order and health checks make a pipeline.

Spans and JSON logs are switched on beside that, to see both in a whole pipeline.
"""

import base64
import gzip
import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams.broker import LOOPBACK
from tests.kafka.fleet import until
from tests.operations.compose import OURS, SERVICES, Site, composed

pytestmark = pytest.mark.kafka

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
PATIENCE_S: Final = 60.0
MOST_LINES: Final = 20
"""Of a process: its address, and each partition that opens, also again when the other worker joins."""
RUNNING = [name for name in OURS if name != "topics"]
SECRET = "whsec-only-in-tests"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""A program's own word for itself would be taken for a crawler's."""
PERSON: Final[dict[str, Any]] = {
    "email": "ada@firm.test",
    "phone": "+81 3 1234 5678",
    "title": "VP Marketing",
    "company": "Firm",
    "employees": 500,
    "industry": "software",
    "country": "JP",
    "message": "Please show us the product.",
}


class Spans:
    """What takes spans by OTLP over HTTP."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, Any]] = []

    def take(self, request: Request) -> Response:
        sent = ExportTraceServiceRequest.FromString(
            gzip.decompress(request.data) if gzipped(request) else request.data
        )
        for of_process in sent.resource_spans:
            names = {one.key: one.value.string_value for one in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.found += [(names["service.name"], span.name, span) for span in scope.spans]
        return Response(b"", content_type="application/x-protobuf")

    def of_trace(self, trace: str) -> dict[str, set[str]]:
        """Names of spans by service, of the trace or linked to it."""
        found: dict[str, set[str]] = {}
        for service, name, span in list(self.found):
            if trace in {span.trace_id.hex(), *(link.trace_id.hex() for link in span.links)}:
                found.setdefault(service, set()).add(name)
        return found


def gzipped(request: Request) -> bool:
    return request.headers.get("Content-Encoding") == "gzip"


SPANS = Spans()


@pytest.fixture(scope="module")
def receiver() -> Iterator[HTTPServer]:
    with HTTPServer(host=LOOPBACK, port=0) as server:
        server.expect_request("/hook", method="POST").respond_with_data("")
        server.expect_request("/v1/traces", method="POST").respond_with_handler(SPANS.take)
        yield server


@pytest.fixture(scope="module")
def site(receiver: HTTPServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    given = {"LEADSTREAMS_WEBHOOK_URL": receiver.url_for("/hook"), "LEADSTREAMS_WEBHOOK_SECRET": SECRET}
    more = {
        "LEADSTREAMS_TRACING": "true",
        "LEADSTREAMS_LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url_for(""),
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with composed(tmp_path_factory.mktemp("compose"), given, **more) as made:
        made.start()
        made.wait_ready(RUNNING)
        yield made


def post(site: Site, method: str, body: Mapping[str, object], **headers: str) -> int:
    """A call of the tracker whose key deploy/compose/write-keys.toml holds."""
    key = base64.b64encode(b"local-website:").decode()
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{site.services['collector'].port}/v1/{method}",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Basic {key}",
            "Content-Type": "application/json",
            "User-Agent": BROWSER,
            **headers,
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def test_each_health_check_says_what_it_should(site: Site) -> None:
    for name in RUNNING:
        assert site.services[name].healthy(), name


def test_two_workers_share_the_partitions(site: Site) -> None:
    partitions = int(site.filled_in(SERVICES["topics"]["environment"]["LEADSTREAMS_PARTITIONS"]))

    def owned(name: str) -> float:
        lines = site.services[name].metrics().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("leadstreams_partitions{"))

    until(lambda: owned("worker-1") == owned("worker-2") == partitions / 2, 30, "sharing the partitions")


def test_a_demo_request_reaches_the_webhook_in_one_trace(site: Site, receiver: HTTPServer) -> None:
    request = {"anonymousId": "a-1", "event": "Demo Requested", "properties": PERSON}

    assert post(site, "track", request, traceparent=f"00-{TRACE}-b7ad6b7169203331-01") == 200

    def handed() -> list[Request]:
        return [sent for sent, _ in receiver.log if sent.path == "/hook"]

    until(lambda: bool(handed()), PATIENCE_S, "the handoff")
    assert json.loads(handed()[0].data)["data"]["email"] == PERSON["email"]
    assert handed()[0].headers["traceparent"][3:35] == TRACE
    expected = {
        "leadstreams-collector": {"collect track"},
        "leadstreams-worker": {"apply form-submissions", "hand over"},
        "leadstreams-connect-webhook": {"deliver webhook"},
    }
    until(lambda: SPANS.of_trace(TRACE) == expected, PATIENCE_S, "spans of every process")
    assert PERSON["email"] not in str([span for _, _, span in SPANS.found])


def test_every_process_ends_cleanly_when_told_to(site: Site) -> None:
    for name in RUNNING:
        assert site.services[name].stop() == 0, name
        assert not site.services[name].healthy(), name


def test_in_normal_operation_every_line_is_one_object_and_none_is_a_warning(site: Site) -> None:
    """From the start over a handoff to the end; the collector prints its address for who starts it by hand."""
    for name in RUNNING:
        said = [line for line in site.services[name].lines() if not line.startswith("collector: http://")]
        lines = [json.loads(line) for line in said]
        assert lines, name
        assert {line["level"] for line in lines} == {"INFO"}, said
        assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
        assert len(lines) <= MOST_LINES, said
        assert PERSON["email"] not in " ".join(said)
