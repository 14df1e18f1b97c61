"""The broker of the other tests: what it promises them."""

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.kafka.broker import KafkaBroker
from tests.kafka.conftest import NewBroker


def create(broker: KafkaBroker, topic: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        client.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    finally:
        client.close()


def topics(broker: KafkaBroker) -> list[str]:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        return list(client.list_topics())
    finally:
        client.close()


def first_value(broker: KafkaBroker, topic: str) -> bytes | None:
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return next((record.value for record in consumer), None)
    finally:
        consumer.close()


def test_the_shared_broker_answers_and_makes_no_topics_by_itself(kafka: KafkaBroker) -> None:
    create(kafka, "asked-for")
    client = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    client.describe_topics(["never-asked-for"])
    client.close()

    assert "asked-for" in topics(kafka)
    assert "never-asked-for" not in topics(kafka)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_broker_starts_again_on_the_same_port_with_the_same_data(new_broker: NewBroker, end: str) -> None:
    broker = new_broker()
    create(broker, "kept")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    producer.send("kept", b"still here", partition=0).get(20)
    producer.close()
    address = broker.bootstrap

    getattr(broker, end)()
    assert not broker.running
    broker.start()

    assert broker.bootstrap == address
    assert first_value(broker, "kept") == b"still here"
