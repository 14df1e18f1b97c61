"""The tools that operators use, on the broker they will use them with."""

import json

import pytest
from aiokafka import AIOKafkaProducer

from schemas.dead_letter import Headers, Reason
from streams import admin, dead_letters, topics
from streams.admin import Severity
from streams.identity.keys import Secret
from streams.imports.delivery import Delivery, input_partitions
from streams.imports.event import Import, Prepared, from_line
from streams.imports.report import Place
from streams.settings import Settings
from tests.cli.records import records
from tests.kafka.broker import KafkaBroker
from tests.kafka.conftest import NewBroker

SECRET = "a secret for tests"


@pytest.fixture
def settings(new_broker: NewBroker) -> Settings:
    """A pipeline on a broker of its own, with its topics."""
    made = Settings(broker=new_broker().bootstrap, secret=SECRET)
    with admin.connect(made) as client:
        admin.create(client, made)
    return made


def test_created_topics_are_exactly_as_needed(settings: Settings) -> None:
    with admin.connect(settings) as client:
        assert admin.check(client, settings) == []
        differences = admin.check(client, settings.model_copy(update={"partitions": 8}))

    wrong = {found.topic for found in differences if found.severity is Severity.ERROR}
    assert wrong == {topic.name for topic in topics.ALL if not topic.single_partition}


def test_events_are_delivered_with_idempotence(settings: Settings) -> None:
    event = {"event_id": "1", "type": "page_viewed", "occurred_at": "2025-06-01T10:00:00Z", "anonymous_id": "a"}
    prepared = from_line(json.dumps(event).encode(), Import(Secret(SECRET.encode()), "import", None))
    assert isinstance(prepared, Prepared)

    with Delivery(settings, input_partitions(settings)) as delivery:
        for line in range(1000):
            delivery.send(prepared, Place("test", line))

    assert (delivery.delivered, delivery.failed) == (1000, 0)
    assert len(records(settings.broker, topics.WEB_VISITS)) == 1000


async def test_dead_letters_are_read_past_transaction_markers_and_without_what_was_aborted(
    settings: Settings,
) -> None:
    head = list(Headers(Reason.BAD_JSON, "expected JSON", topics.WEB_VISITS, 0, 1, 2).encode())
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker, transactional_id="letters")
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(topics.DEAD_LETTERS, b"kept", partition=0, headers=head)
        await producer.begin_transaction()
        await producer.send_and_wait(topics.DEAD_LETTERS, b"aborted", partition=0, headers=head)
        await producer.abort_transaction()
    finally:
        await producer.stop()

    assert [letter.value for letter in dead_letters.read(settings)] == [b"kept"]


def test_a_stopped_broker_is_told_from_a_missing_topic(new_broker: NewBroker) -> None:
    broker: KafkaBroker = new_broker()
    settings = Settings(broker=broker.bootstrap)
    with pytest.raises(admin.Refused, match="topics create"):
        input_partitions(settings)

    broker.stop()

    with pytest.raises(admin.Unreachable, match=broker.bootstrap):
        input_partitions(settings)
