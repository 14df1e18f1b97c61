"""The shipped Kafka Connect configurations, in the real Connect runtime, on real Kafka and a real PostgreSQL."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams import topics
from streams.settings import Settings
from tests.connectors.connect_worker import SHIPPED, ConnectWorker, missing
from tests.connectors.connecting import topics_of
from tests.connectors.handoffs import handoff, handoff_id, lead_key, update
from tests.connectors.postgres import Postgres
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka

PATIENCE_S = 120.0
COMMITTED = 20


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    why = missing()
    if why is not None and os.environ.get("LEADSTREAMS_REQUIRE_KAFKA") == "1":
        pytest.fail(why, pytrace=False)
    if why is not None:
        pytest.skip(f"not run: {why}")
    with KafkaBroker(tmp_path_factory.mktemp("connect-kafka")) as started:
        yield started


async def transact(bootstrap: str) -> list[bytes]:
    """Handoffs and an update that count, then some of a transaction that fails; the values that count."""
    values = [(lead_key(n), handoff(n), handoff_id(n)) for n in range(COMMITTED)]
    changed = update(0, reason="配信停止")
    values.append((lead_key(0), changed, json.loads(changed)["id"]))
    aborted = [(lead_key(n), handoff(n), handoff_id(n)) for n in range(900, 905)]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="handoffs")
    await producer.start()
    try:
        for batch, counts in ((values[:10], True), (aborted, False), (values[10:], True)):
            await producer.begin_transaction()
            for key, value, event_id in batch:
                headers = [
                    ("content-type", b"application/cloudevents+json; charset=UTF-8"),
                    ("handoff-id", event_id.encode()),
                ]
                await producer.send_and_wait(topics.SALES_HANDOFFS, value, key=key.encode(), headers=headers)
            await (producer.commit_transaction() if counts else producer.abort_transaction())
    finally:
        await producer.stop()
    return [value for _, value, _ in values]


def in_file(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines() if file.exists() else []


def in_table(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(b"SELECT event, company, reason, score, change FROM connect_handoffs").fetchall()


def test_rows_lines_and_posts_arrive_whole_and_without_what_was_aborted(
    broker: KafkaBroker, postgres: Postgres, httpserver: HTTPServer, tmp_path: Path
) -> None:
    settings = Settings(broker=broker.bootstrap)
    topics_of(settings)
    values = asyncio.run(transact(broker.bootstrap))
    url = postgres.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((SHIPPED / "jdbc.sql").read_bytes())
    posted: list[Request] = []

    def take(request: Request) -> Response:
        request.get_data()
        posted.append(request)
        return Response(status=200)

    httpserver.expect_request("/handoffs", method="POST").respond_with_handler(take)
    address = httpserver.url_for("/handoffs").removeprefix("http://")
    place = url.removeprefix("postgresql://leadstreams@")
    connectors = {
        "file": {"file": str(tmp_path / "handoffs.jsonl")},
        "http": {"camel.sink.url": f"http:{address}?httpMethod=POST"},
        "jdbc": {"connection.url": f"jdbc:postgresql://{place}"},
    }
    with ConnectWorker(tmp_path, broker.bootstrap, connectors) as worker:
        deadline = time.monotonic() + PATIENCE_S
        while min(len(in_file(tmp_path / "handoffs.jsonl")), len(posted), len(in_table(url))) < len(values):
            assert worker.running, worker.printed[-4000:]
            assert worker.failures() == []
            told = (len(in_file(tmp_path / "handoffs.jsonl")), len(posted), len(in_table(url)))
            assert time.monotonic() < deadline, f"{told} of {len(values)}: {worker.printed[-6000:]}"
            time.sleep(0.2)

    assert sorted(in_file(tmp_path / "handoffs.jsonl")) == sorted(values)
    assert sorted(request.get_data() for request in posted) == sorted(values)
    assert {request.headers["Content-Type"] for request in posted} == {
        "application/cloudevents+json; charset=UTF-8"
    }
    rows = in_table(url)
    assert sorted(row[0].encode() for row in rows) == sorted(values)
    assert {row[1:] for row in rows} == {
        ("例示製作所", "資料をダウンロードした", 50.0, None),
        (None, "配信停止", None, "opted_out"),
    }
