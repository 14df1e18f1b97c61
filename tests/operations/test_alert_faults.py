"""Alerts fire by real faults of a running pipeline on Apache Kafka, and resolve when the fault is over.

The rules are the shipped ones with seconds for minutes (tests/operations/prometheus.py). What each alert means
over hours and weeks is shown by `promtool test rules` on series (alerts.test.yml, slow_alerts.test.yml).
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import pytest
import yaml
from kafka import KafkaProducer
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams import topics
from streams.broker import LOOPBACK
from tests.faults.failpoints import BUG
from tests.kafka.fleet import until
from tests.kafka.pipeline import PROGRAM
from tests.operations.compose import OURS, Site, composed
from tests.operations.prometheus import RULES, Prometheus, quick
from tests.operations.test_monitoring import (
    LABELS_OF_PEOPLE,
    MOST_SERIES,
    OPERATIONS,
    PERSON,
    documented,
    queries,
    registries,
    rules,
)

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="not run: install Debian's package prometheus"),
    pytest.mark.skipif(
        os.environ.get("LEADSTREAMS_LONG") != "1",
        reason="not run: faults and alerts in real time take ten minutes, set LEADSTREAMS_LONG=1",
    ),
]

PATIENCE_S: Final = 150.0
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""A program's own word for itself would be taken for a crawler's."""
WORKERS: Final = ("worker-1", "worker-2")
SOMEBODY: Final = {
    "phone": "+81 3 1234 5678",
    "title": "VP Marketing",
    "employees": 500,
    "industry": "software",
    "country": "JP",
    "message": "Please show us the product.",
}
BY_SERIES_ONLY: Final = {
    "LeadstreamsHandoffsOverdue",
    "LeadstreamsRestoreTooLong",
    "LeadstreamsScoresDrift",
    "LeadstreamsRuleSilent",
    "LeadstreamsRuleForEverybody",
}
"""What waits for hours of sales, needs a table that is long in restoring, or compares days of leads."""
NEEDS_DAYS: Final[set[str]] = set()
"""Queries that find nothing within minutes."""
FIRED: Final[set[str]] = set()
"""By a test of this module."""


class Receiver:
    """What takes the handoffs: well, or as a fault makes it."""

    def __init__(self) -> None:
        self.status = 204
        self.got = 0

    def take(self, _: Request) -> Response:
        self.got += self.status < 300
        return Response(status=self.status)


class Traffic:
    """People who read pages and sometimes ask for a demo, until told to pause; refusals are borne."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._going = threading.Event()
        self._ended = threading.Event()
        self._numbers = count(1)
        self.every_s = 0.2
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> None:
        self._going.set()

    def __exit__(self, *_: object) -> None:
        self._going.clear()

    def stop(self) -> None:
        self._ended.set()
        self._going.set()
        self._thread.join(20)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._going.wait()
            number = next(self._numbers)
            with suppress(OSError):
                self.page(number)
                if number % 10 == 0:
                    self.demo(number)
            self._ended.wait(self.every_s)

    def page(self, number: int, key: str = "local-website") -> None:
        url = "https://firm.example/product"
        self.post("page", {"anonymousId": f"a-{number}", "properties": {"url": url}}, key)

    def demo(self, number: int) -> None:
        person = {**SOMEBODY, "email": f"p{number}@firm{number}.test", "company": f"Firm {number}"}
        self.post("track", {"anonymousId": f"d-{number}", "event": "Demo Requested", "properties": person})

    def post(self, method: str, body: dict[str, Any], key: str = "local-website") -> None:
        """Raises OSError for whatever is not a 200."""
        authorization = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self._site.services['collector'].port}/v1/{method}",
            data=json.dumps(body).encode(),
            headers={"Authorization": authorization, "Content-Type": "application/json", "User-Agent": BROWSER},
        )
        try:
            with urllib.request.urlopen(request, timeout=5):
                pass
        except urllib.error.HTTPError as refused:
            refused.close()
            raise


class Stage:
    """The pipeline, its traffic, what takes its handoffs, and the Prometheus that watches them."""

    def __init__(self, site: Site, prometheus: Prometheus, traffic: Traffic, receiver: Receiver) -> None:
        self.site = site
        self.prometheus = prometheus
        self.traffic = traffic
        self.receiver = receiver

    def fires(self, *alerts: str) -> None:
        """Each of them fires, at the same time or one after the other."""
        seen: set[str] = set()

        def all_seen() -> bool:
            with suppress(OSError):
                seen.update(self.prometheus.firing() & set(alerts))
            return seen == set(alerts)

        with suppress(AssertionError):
            until(all_seen, PATIENCE_S)
        assert seen == set(alerts), "did not all fire"
        FIRED.update(alerts)

    def resolved(self, *alerts: str) -> None:
        until(lambda: not self.prometheus.firing() & set(alerts), PATIENCE_S, f"resolving of {alerts}")

    def send(self, topic: str, values: Sequence[bytes]) -> None:
        """Straight to the topic, as a producer of one's own does, spread over the partitions."""
        producer = KafkaProducer(bootstrap_servers=self.site.kafka.bootstrap, acks="all", linger_ms=20)
        try:
            for number, value in enumerate(values):
                producer.send(topic, value, partition=number % 4)
            producer.flush()
        finally:
            producer.close()

    def command(self, *words: str, **more: str) -> None:
        environment = self.site.services["worker-1"].environment | more
        ran = subprocess.run([str(PROGRAM), *words], env=environment, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("alerts")
    receiver = Receiver()
    quickened = directory / "rules.yml"
    with HTTPServer(host=LOOPBACK, port=0) as server:
        server.expect_request("/hook", method="POST").respond_with_handler(receiver.take)
        given = {"LEADSTREAMS_WEBHOOK_URL": server.url_for("/hook"), "LEADSTREAMS_WEBHOOK_SECRET": "whsec-test"}
        # A worker with a failpoint is the same program; FAULTS puts the bug in.
        with composed(directory, given, LEADSTREAMS_SESSION_TIMEOUT_S="6", FAULTS="bug") as site:
            for name in WORKERS:
                site.services[name].program = [sys.executable, "-m", "tests.faults.process"]
            site.start()
            site.wait_ready(name for name in OURS if name != "topics")
            groups = [group for path in RULES for group in yaml.safe_load(quick(path.read_text()))["groups"]]
            quickened.write_text(yaml.safe_dump({"groups": groups}))
            ports = {name: site.services[name].port for name in OURS}
            jobs = {
                "leadstreams-worker": [ports[name] for name in WORKERS],
                "leadstreams-collector": [ports["collector"]],
                "leadstreams-connector": [ports["connector"]],
            }
            prometheus, traffic = Prometheus(directory, jobs, [quickened]), Traffic(site)
            try:
                assert prometheus.until("leadstreams_connector_open", PATIENCE_S), "Prometheus scraped nothing"
                yield Stage(site, prometheus, traffic, receiver)
            finally:
                prometheus.stop()
                traffic.stop()


def event(number: int, **fields: Any) -> bytes:
    common = {"event_id": f"own-{number}", "occurred_at": datetime.now(UTC).isoformat(), "source": "test"}
    return json.dumps({**common, "type": "page_viewed", "url": "https://x.test/", **fields}).encode()


@contextmanager
def stopped(site: Site, *names: str, by: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    for name in names:
        site.services[name].stop(by)
    yield
    for name in names:
        site.services[name].start()
    site.wait_ready(names)


def test_in_normal_operation_nothing_fires(stage: Stage) -> None:
    with stage.traffic:
        until(lambda: stage.receiver.got >= 3, PATIENCE_S, "handoffs")
        pending = {alert["labels"]["alertname"] for alert in stage.prometheus.ask("alerts")["alerts"]}

    # A transaction that waits for its turn on a busy machine is slow, and no fault.
    assert pending <= {alert for alert in pending if alert.startswith("LeadstreamsLatency")}


def test_a_website_that_falls_silent(stage: Stage) -> None:
    stage.fires("LeadstreamsNoEvents")
    with stage.traffic:
        stage.resolved("LeadstreamsNoEvents")


def test_a_customer_system_that_is_dead_and_one_that_refuses(stage: Stage) -> None:
    stage.receiver.status = 401
    with stage.traffic:
        stage.fires("LeadstreamsConnectorStuck")
        stage.receiver.status = 422
        stage.fires("LeadstreamsConnectorRefused")
        stage.receiver.status = 204
        stage.resolved("LeadstreamsConnectorStuck", "LeadstreamsConnectorRefused")


def test_a_stranger_at_the_edge(stage: Stage) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with stage.traffic:
        while "LeadstreamsSignaturesRefused" not in stage.prometheus.firing():
            assert time.monotonic() < deadline
            with suppress(OSError):
                stage.traffic.page(0, key="not-a-key")
        FIRED.add("LeadstreamsSignaturesRefused")
        stage.resolved("LeadstreamsSignaturesRefused")


def test_a_producer_that_was_deployed_with_a_fault(stage: Stage) -> None:
    """A few rejected are a share, nothing but rejected ones a halt, and a halted topic falls behind."""
    good = [event(n, anonymous_id=f"own-{n}") for n in range(80)]
    with stage.traffic:
        stage.send(topics.EMAIL_ENGAGEMENT, [*good, *(b"{" for _ in range(20))])
        stage.fires("LeadstreamsRejectedShare")
        stage.send(topics.WEB_VISITS, [b"{" for _ in range(4 * 2_000)])
        stage.fires("LeadstreamsHalted", "LeadstreamsLagGrows")
        halting = {name: stage.site.services[name] for name in WORKERS}
        for service in halting.values():
            service.stop()
            service.environment["LEADSTREAMS_REJECT_SHARE"] = "1"
            service.start()
        stage.site.wait_ready(WORKERS)
        stage.resolved("LeadstreamsRejectedShare", "LeadstreamsHalted", "LeadstreamsLagGrows")


def test_a_bug_in_scoring(stage: Stage) -> None:
    with stage.traffic:
        bugs = [event(900 + n, anonymous_id=f"bug-{n}", url=f"https://x.test{BUG.decode()}") for n in range(2)]
        stage.send(topics.WEB_VISITS, bugs)
        stage.fires("LeadstreamsScoringFails")
        stage.resolved("LeadstreamsScoringFails")


def test_two_workers_of_one_name(stage: Stage) -> None:
    """A process that opens the transactions of ours again and again, as a worker under the same name does."""
    with stage.traffic:
        rivals = 0
        while "LeadstreamsTransactionsLost" not in stage.prometheus.firing():
            assert rivals < 100
            rivals += 1
            for number in range(4):
                rival = KafkaProducer(
                    bootstrap_servers=stage.site.kafka.bootstrap, transactional_id=f"leadstreams-{number}"
                )
                rival.init_transactions()
                rival.close()
        FIRED.add("LeadstreamsTransactionsLost")
        stage.resolved("LeadstreamsTransactionsLost")


def test_a_model_that_was_published_for_some_partitions_only(stage: Stage) -> None:
    """The records of a publication that broke off: one partition's."""
    with stage.traffic:
        half_published(stage)
        stage.fires("LeadstreamsTwoModels")
        stage.command("model", "publish", "published", "--by", "test")
        stage.resolved("LeadstreamsTwoModels")
        stage.command("model", "publish", "b2b", "--by", "test")
        stage.resolved("LeadstreamsTwoModels")


def half_published(stage: Stage) -> None:
    from streams import model_file, publication
    from streams.identity import forward
    from streams.publication import Told
    from streams.scoring.model import Model

    model = model_file.load("published")
    assert isinstance(model, Model)
    made = publication.records(model, None, Told("2026-01-01T00:00:00.000Z", "test"))
    producer = KafkaProducer(bootstrap_servers=stage.site.kafka.bootstrap, acks="all")
    try:
        producer.send(topics.LEAD_FORWARDS, made.activation, key=forward.MODEL_KEY, partition=1)
        producer.flush()
    finally:
        producer.close()


def test_sales_that_likes_the_handoffs_no_more(stage: Stage) -> None:
    def answers(kind: str, numbers: range) -> list[bytes]:
        return [event(n, type=kind, email=f"p{n}@sales.test", handoff_id=f"ho-{n:032x}") for n in numbers]

    with stage.traffic:
        stage.send(topics.SALES_FEEDBACK, answers("handoff_accepted", range(2_000, 2_020)))
        # For some seconds, so that the comparison with then has something to hold on to.
        lasting = "sum_over_time(leadstreams:feedback:accepted_ratio7d[10s]) >= 8"
        assert stage.prometheus.until(lasting, PATIENCE_S)
        stage.send(topics.SALES_FEEDBACK, answers("handoff_rejected", range(3_000, 3_060)))
        stage.fires("LeadstreamsAcceptanceFalls")
        stage.resolved("LeadstreamsAcceptanceFalls")


def test_workers_that_are_slow(stage: Stage) -> None:
    """Stopped for some seconds, again and again: what was asked meanwhile is handed over late."""
    burning = ("LeadstreamsLatencyBurnsFast", "LeadstreamsLatencyBurnsSlowly", "LeadstreamsLatencyBurnsSteadily")
    number = count(20_000)
    seen: set[str] = set()
    deadline = time.monotonic() + PATIENCE_S
    while seen != set(burning):
        assert time.monotonic() < deadline, seen
        for name in WORKERS:
            stage.site.services[name].send(signal.SIGSTOP)
        try:
            for _ in range(3):
                stage.traffic.demo(next(number))
            time.sleep(1.5)  # what the fault lasts
        finally:
            for name in WORKERS:
                stage.site.services[name].send(signal.SIGCONT)
        pause = time.monotonic() + 2.0
        while time.monotonic() < pause:
            seen |= stage.prometheus.firing() & set(burning)
            time.sleep(0.1)
    FIRED.update(burning)
    stage.traffic.every_s = 0.05
    with stage.traffic:
        stage.resolved(*burning)


def test_no_worker(stage: Stage) -> None:
    with stage.traffic, stopped(stage.site, *WORKERS, by=signal.SIGKILL):
        stage.fires("LeadstreamsNoWorker")
    stage.resolved("LeadstreamsNoWorker")


def test_no_collector(stage: Stage) -> None:
    with stopped(stage.site, "collector"):
        stage.fires("LeadstreamsCollectorAway")
    stage.resolved("LeadstreamsCollectorAway")


def test_a_broker_that_is_away(stage: Stage) -> None:
    away = ("LeadstreamsBrokerAway", "LeadstreamsCollectorKafkaAway", "LeadstreamsEdgeFails")
    with stage.traffic:
        stage.site.kafka.kill()
        stage.fires(*away)
        stage.site.kafka.start()
        stage.resolved(*away)


def test_every_documented_metric_is_scraped_and_every_query_of_the_dashboards_shows_data(stage: Stage) -> None:
    """After all that happened here there is nothing that has not moved."""
    found = set(stage.prometheus.ask("label/__name__/values"))
    for name in set().union(*map(documented, registries())):
        assert {name, f"{name}_total", f"{name}_bucket", f"{name}_info"} & found, name
    silent = {query for query in queries() if not stage.prometheus.until(at_any_time(query), 5.0)}
    assert silent <= NEEDS_DAYS
    health = {
        rule["name"]: rule["health"]
        for group in stage.prometheus.ask("rules")["groups"]
        for rule in group["rules"]
    }
    assert set(health.values()) == {"ok"}


def at_any_time(query: str) -> str:
    """Whether a query showed something while this module ran: its windows are seconds here."""
    return f"count_over_time(({query})[30m:10s])"


def test_the_series_are_few_and_name_nobody(stage: Stage) -> None:
    """Of hundreds of leads, poison, strangers and faults: what a label holds is never what somebody sent."""
    for name in (*WORKERS, "collector", "connector"):
        text = stage.site.services[name].metrics()
        series = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        assert 0 < len(series) < MOST_SERIES, name
        assert not [sample for sample in series if LABELS_OF_PEOPLE & sample.labels.keys()]
        assert not [sample for sample in series for value in sample.labels.values() if PERSON.search(value)]


def test_the_documented_table_says_which_alerts_were_fired_by_a_fault() -> None:
    """The last of this module: only meaningful when all of it ran."""
    names = {rule["alert"] for rule in rules("alert")}
    assert names == FIRED | BY_SERIES_ONLY
    table = OPERATIONS.split("| alert | fired in a test by |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))
    assert rows.keys() == names
    assert {name for name, how in rows.items() if how == "series only"} == BY_SERIES_ONLY
