"""The gateway against the embedded broker, and the collector through it."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from streams import admin, topics
from streams.broker import EmbeddedBroker, free_port
from streams.collector import kafka_gateway
from streams.collector.budget import Budget
from streams.collector.gateway import Outgoing, Unavailable
from streams.collector.kafka_gateway import NEEDED, KafkaGateway
from streams.collector.metrics import EdgeMetrics
from streams.collector.server import Plan, collecting, plan
from streams.kafka_client import client_options
from streams.settings import DEMO_SECRET, Settings
from tests.collector.memory import eventually

pytestmark = pytest.mark.embedded

RECORD = Outgoing(topics.WEB_VISITS, 1, b"key", b'{"a":1}', (("h", b"v"),))


def settings(broker: str) -> Settings:
    return Settings(
        broker=broker,
        secret=DEMO_SECRET,
        delivery="at-least-once",
        collector_port=0,
        partitions=4,
    )


@pytest.fixture
def broker(own_embedded: EmbeddedBroker) -> EmbeddedBroker:
    create_topics(own_embedded)
    return own_embedded


def create_topics(broker: EmbeddedBroker) -> None:
    chosen = settings(broker.bootstrap)
    with admin.connect(chosen) as client:
        admin.create(client, chosen)


@asynccontextmanager
async def connected(broker: str, budget: Budget | None = None) -> AsyncIterator[KafkaGateway]:
    gateway = KafkaGateway(client_options(settings(broker)), budget or Budget(), EdgeMetrics())
    gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop(2.0)


async def read(broker: EmbeddedBroker, count: int, *names: str) -> list[tuple[str, int, bytes | None, bytes]]:
    """The first `count` records of the topics."""
    found: list[tuple[str, int, bytes | None, bytes]] = []
    consumer = AIOKafkaConsumer(*names, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(10):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [(record.topic, record.partition, record.key, record.value) for record in records]
    finally:
        await consumer.stop()
    return found


async def test_what_is_confirmed_is_in_kafka(broker: EmbeddedBroker) -> None:
    async with connected(broker.bootstrap) as gateway:
        await eventually(lambda: gateway.unavailable is None)
        assert gateway.partitions == dict.fromkeys(NEEDED, 4)
        answers = await asyncio.gather(*(gateway.publish([RECORD._replace(partition=n % 4)]) for n in range(200)))
        assert set(answers) == {None}
    found = await read(broker, 200, topics.WEB_VISITS)
    assert sorted(partition for _, partition, _, _ in found) == sorted([0, 1, 2, 3] * 50)


async def test_large_records_of_one_request_go_in_several_batches(broker: EmbeddedBroker) -> None:
    records = [RECORD._replace(value=bytes([65 + number]) * 200_000) for number in range(8)]
    async with connected(broker.bootstrap) as gateway:
        await eventually(lambda: gateway.unavailable is None)
        assert await gateway.publish(records) is None
    found = await read(broker, 8, topics.WEB_VISITS)
    assert [value[:1] for _, _, _, value in found] == [record.value[:1] for record in records]


async def test_without_its_topics_the_gateway_says_what_to_do(own_embedded: EmbeddedBroker) -> None:
    async with connected(own_embedded.bootstrap) as gateway:
        await eventually(lambda: "topics create" in (gateway.unavailable or Unavailable("")).message)
        assert await gateway.publish([RECORD]) is not None
        create_topics(own_embedded)
        await eventually(lambda: gateway.unavailable is None)


async def test_a_broker_that_comes_later_is_found() -> None:
    late = EmbeddedBroker(free_port())
    try:
        async with connected(late.bootstrap) as gateway:
            assert await gateway.publish([RECORD]) is not None
            late.start()
            create_topics(late)
            await eventually(lambda: gateway.unavailable is None)
            assert await gateway.publish([RECORD]) is None
    finally:
        late.kill()


async def test_a_broker_that_dies_is_never_a_false_confirmation(
    broker: EmbeddedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="aiokafka")
    budget = Budget()
    async with connected(broker.bootstrap, budget) as gateway:
        await eventually(lambda: gateway.unavailable is None)
        broker.kill()
        began = monotonic()
        answers = await asyncio.gather(*(gateway.publish([RECORD]) for _ in range(100)))
        assert None not in answers
        assert monotonic() - began < kafka_gateway.DEADLINE_S + 1
        broker.start()
        create_topics(broker)
        await eventually(lambda: gateway.unavailable is None)
        assert await gateway.publish([RECORD]) is None
        await eventually(lambda: budget.held == 0)
    own = [record.message for record in caplog.records if record.name.startswith("streams")]
    assert len(own) <= 4, own


async def test_a_broker_that_hangs_is_a_refusal_at_the_deadline(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="aiokafka")
    monkeypatch.setattr(kafka_gateway, "DEADLINE_S", 0.5)
    budget = Budget(limit=100_000)
    async with connected(broker.bootstrap, budget) as gateway:
        await eventually(lambda: gateway.unavailable is None)
        process = broker._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            answers = await asyncio.gather(*(gateway.publish([RECORD]) for _ in range(1000)))
            assert None not in answers
            assert budget.held <= 100_000
        finally:
            process.send_signal(signal.SIGCONT)
        await eventually(lambda: gateway.unavailable is None)
        assert await gateway.publish([RECORD]) is None


async def test_a_request_that_is_cancelled_does_not_cancel_its_neighbours(broker: EmbeddedBroker) -> None:
    async with connected(broker.bootstrap) as gateway:
        await eventually(lambda: gateway.unavailable is None)
        first, second = (asyncio.create_task(gateway.publish([RECORD])) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second is None


async def test_a_curl_is_in_kafka_when_it_is_answered(broker: EmbeddedBroker) -> None:
    planned = plan(settings(broker.bootstrap), dev=True)
    assert isinstance(planned, Plan), planned
    async with collecting(planned) as (port, gateway), aiohttp.ClientSession() as http:
        await eventually(lambda: gateway.unavailable is None)
        batch = {"writeKey": "any", "batch": [{"type": "page", "userId": "u"}, {"type": "fly"}]}
        async with http.post(f"http://127.0.0.1:{port}/v1/batch", json=batch) as answer:
            assert answer.status == 200
    visit, dead = sorted(await read(broker, 2, topics.WEB_VISITS, topics.DEAD_LETTERS), reverse=True)
    assert visit[0] == topics.WEB_VISITS
    assert (visit[2] or b"").startswith(b"u1-")
    assert (dead[0], dead[3]) == (topics.DEAD_LETTERS, b'{"type": "fly"}')
