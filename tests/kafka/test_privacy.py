"""Privacy requests through the whole pipeline on Apache Kafka: a worker, three connectors, a real PostgreSQL."""

import json
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaProducer
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams import admin, topics
from streams.identity.keys import Kind, Secret, lead_key
from streams.scoring.instant import rfc3339
from streams.settings import Settings
from tests.cli.records import records
from tests.conftest import REQUIRE_KAFKA
from tests.connectors.conftest import shipped
from tests.connectors.connecting import Connector
from tests.connectors.postgres import Postgres, missing
from tests.kafka.conftest import NewBroker
from tests.kafka.fleet import until
from tests.kafka.pipeline import SECRET, Worker, command
from tests.test_update import DEMO

KEYED = Secret(SECRET.encode())
LEADS = 12
TOPICS = {"form_submitted": topics.FORM_SUBMISSIONS, "email_unsubscribed": topics.EMAIL_ENGAGEMENT}


class Receivers:
    """Two posts boxes; notes when each thing came."""

    def __init__(self) -> None:
        self.sales: dict[tuple[str, str], float] = {}
        self.nurture: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def take_sales(self, request: Request) -> Response:
        said = json.loads(request.data)
        what = said["data"].get("change") or "handoff"
        self.sales.setdefault((said["subject"], what), time.monotonic())
        return Response(status=200)

    def take_nurture(self, request: Request) -> Response:
        said = json.loads(request.data)
        self.nurture[said["lead_key"]].append(said)
        return Response(status=200)


class Site:
    """A pipeline at work."""

    def __init__(self, settings: Settings, directory: Path, receivers: Receivers, urls: dict[str, str]) -> None:
        self.settings = settings
        self.receivers = receivers
        self.database = urls["LEADSTREAMS_SQL_URL"]
        self.worker = Worker(settings.broker, "one", directory / "worker.log", model="b2b")
        names = ("sql", "webhook", "nurture-webhook")
        self.connectors = {n: Connector(n, settings, directory, shipped(n), urls) for n in names}
        self._producer = KafkaProducer(bootstrap_servers=settings.broker, acks="all", linger_ms=0)
        self._number = 0

    def send(self, kind: str, email: str | None = None, **fields: Any) -> float:
        """An event that happens now; when it was sent."""
        self._number += 1
        common = {"event_id": f"e{self._number}", "type": kind, "source_kind": "webhook", "email": email}
        document = {**common, "occurred_at": rfc3339(int(time.time() * 1000)), **fields}
        topic = TOPICS.get(kind, topics.SALES_FEEDBACK if kind == "lead_erased" else topics.WEB_VISITS)
        sent = time.monotonic()
        self._producer.send(topic, json.dumps(document).encode(), partition=self._number % 4).get(10)
        return sent

    def row(self, key: str) -> tuple[Any, ...] | None:
        """What PostgreSQL has of a lead; None also before the connector has made its tables."""
        query = b"SELECT email, name, erased_at IS NOT NULL FROM leadstreams.leads WHERE lead_key = %s"
        with suppress(psycopg.errors.UndefinedTable), psycopg.connect(self.database) as connection:
            found: tuple[Any, ...] | None = connection.execute(query, (key,)).fetchone()
            return found
        return None

    def lead(self, *words: str) -> tuple[int, Any]:
        return command(self.settings.broker, "lead", *words, model="b2b")

    def close(self) -> None:
        self._producer.close()
        for connector in self.connectors.values():
            connector.kill()
        self.worker.kill()


@pytest.fixture
def site(new_broker: NewBroker, tmp_path: Path, httpserver: HTTPServer) -> Iterator[Site]:
    why = missing()
    if why is not None and os.environ.get(REQUIRE_KAFKA) == "1":
        pytest.fail(f"PostgreSQL is required where Kafka is: {why}", pytrace=False)
    if why is not None:
        pytest.skip(f"not run: {why}")
    receivers = Receivers()
    httpserver.expect_request("/sales").respond_with_handler(receivers.take_sales)
    httpserver.expect_request("/nurture").respond_with_handler(receivers.take_nurture)
    settings = Settings(broker=new_broker().bootstrap, secret=SECRET, pipeline="crash", partitions=4)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    with Postgres() as server:
        urls = {
            "LEADSTREAMS_PIPELINE": "crash",
            "LEADSTREAMS_SQL_URL": server.database(),
            "LEADSTREAMS_WEBHOOK_URL": httpserver.url_for("/sales"),
            "LEADSTREAMS_NURTURE_URL": httpserver.url_for("/nurture"),
            "LEADSTREAMS_WEBHOOK_SECRET": "a",
            "LEADSTREAMS_NURTURE_SECRET": "b",
        }
        made = Site(settings, tmp_path, receivers, urls)
        made.worker.start()
        for connector in made.connectors.values():
            connector.start()
        try:
            until(lambda: made.worker.ready, 60, "a ready worker")
            yield made
        finally:
            made.close()


def test_a_person_is_told_whole_and_forgotten_everywhere(site: Site) -> None:
    mail, other = "mika@aozora.example", "ken@midori.example"
    key, device = lead_key(Kind.EMAIL, mail, KEYED), lead_key(Kind.ANONYMOUS, "device-7", KEYED)
    site.send("page_viewed", anonymous_id="device-7", url="https://www.example.com/pricing")
    site.send(
        "form_submitted", mail, anonymous_id="device-7", last_name="田中", **{**DEMO, "type": "form_submitted"}
    )
    site.send("form_submitted", other, **{**DEMO, "type": "form_submitted", "company": "Midori"})
    site.send("form_submitted", mail, form_type=["not", "text"], event_id="")
    sales = site.receivers.sales
    other_key = lead_key(Kind.EMAIL, other, KEYED)
    until(lambda: {(key, "handoff"), (other_key, "handoff")} <= set(sales), 60, "the handoffs")
    until(lambda: site.row(key) is not None and site.row(other_key) is not None, 30, "the rows")
    until(lambda: bool(records(site.settings.broker, topics.DEAD_LETTERS)), 30, "the dead letter")

    code, told = site.lead("export", mail)
    assert code == 0
    assert set(told["keys"]) == {key, device}
    held = told["records_by_topic"]
    assert {topics.WEB_VISITS, topics.FORM_SUBMISSIONS, topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS} <= set(
        held
    )
    assert [letter["headers"]["reason"] for letter in held[topics.DEAD_LETTERS]] == ["bad_field"]
    assert held[topics.SALES_HANDOFFS][0]["value"]["data"]["name"] == "田中"
    assert told["record"][key]["emails"] != {}
    assert told["explanation"]["handoffs"]
    assert other not in json.dumps(told), "nothing of anybody else"
    assert {one["connector"] for one in told["connectors"]} == {"sql", "webhook", "nurture-webhook"}
    handoff = held[topics.SALES_HANDOFFS][0]["value"]["id"]
    assert all(handoff in one["events"] for one in told["connectors"])

    code, done = site.lead("erase", mail, "--yes")
    assert (code, done["lacking"]) == (0, [])
    assert set(done["records_erased"]) == {key, device}
    assert set(done["connectors_through"]) == {"sql", "webhook", "nurture-webhook"}
    assert site.row(key) == (None, None, True)
    assert (key, "erased") in sales
    assert site.receivers.nurture[key][-1]["change"] == "erased"
    assert site.receivers.nurture[key][-1]["in"] == []

    code, told = site.lead("export", mail)
    assert (code, told["erased_up_to"]) == (0, done["erased_up_to"])
    assert mail not in json.dumps(told["record"])
    code, again = site.lead("erase", mail, "--yes")
    assert (code, again["asked_now"], again["erased_up_to"]) == (0, False, done["erased_up_to"])
    assert site.row(other_key) == (other, None, False)
    printed = "".join(connector.printed for connector in site.connectors.values())
    assert re.search(f"{mail}|Traceback", printed) is None


def test_a_connector_that_is_down_is_named_until_it_has_delivered_the_erasure(site: Site) -> None:
    mail = "mika@aozora.example"
    key = lead_key(Kind.EMAIL, mail, KEYED)
    site.send("form_submitted", mail, **{**DEMO, "type": "form_submitted"})
    until(lambda: site.row(key) is not None and (key, "handoff") in site.receivers.sales, 60, "the handoff")

    until(lambda: len(site.lead("export", mail)[1]["connectors"]) == 3, 30, "the commits")
    site.connectors["sql"].kill()

    code, done = site.lead("erase", mail, "--yes", "--timeout", "8")
    assert code == 1
    assert done["lacking"] == ["connector sql has not delivered it yet: is it running?"]
    site.connectors["sql"].start()
    code, done = site.lead("erase", mail, "--yes", "--timeout", "60")
    assert (code, done["asked_now"], done["lacking"]) == (0, False, [])
    assert site.row(key) == (None, None, True)


def test_an_opt_out_and_an_erasure_arrive_as_fast_as_a_handoff(site: Site) -> None:
    mails = [f"person{number}@firm{number}.example" for number in range(LEADS)]
    keys = [lead_key(Kind.EMAIL, mail, KEYED) for mail in mails]
    taken: dict[str, list[float]] = {}

    def timed(what: str, kind: str, **fields: Any) -> None:
        waits = []
        for key, mail in zip(keys, mails, strict=True):
            sent = site.send(kind, mail, **fields)
            until(lambda: (key, what) in site.receivers.sales, 60, what)  # noqa: B023
            waits.append(site.receivers.sales[key, what] - sent)
        taken[what] = waits

    site.send("form_submitted", "first@warm.example", **{**DEMO, "type": "form_submitted"})
    until(lambda: len(site.receivers.sales) == 1, 60, "the first of all")
    timed("handoff", "form_submitted", **{name: value for name, value in DEMO.items() if name != "type"})
    timed("opted_out", "email_unsubscribed")
    timed("erased", "lead_erased", source_kind="crm")
    middle = {what: statistics.median(waits) for what, waits in taken.items()}
    print("seconds from the event to the receiver:", {what: round(at, 3) for what, at in middle.items()})
    assert middle["opted_out"] <= 2 * middle["handoff"] + 0.25, middle
    assert middle["erased"] <= 2 * middle["handoff"] + 0.25, middle
