"""Events as large as their topic takes: forwarded, scored, merged and handed over like any other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError

from streams import topics
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.attribute import ATTRIBUTES, LONGEST, VERSIONS
from streams.scoring.instant import HOUR, rfc3339
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import PARTITIONS, read_committed, renew_topics, until
from tests.kafka.pipeline import SECRET, Worker, await_quiet, command

Names = tuple[str | None, str | None, str | None]
"""Address, user id, device."""

START: Final = 1_760_000_000_000
USER: Final = {"user_id": "user-1"}
MAIL: Final = {"email": "kana@example.com"}
TEXTS: Final = dict.fromkeys(ATTRIBUTES, "\N{MUSICAL SYMBOL G CLEF}" * LONGEST)
"""Each attribute as long as it is kept, of four bytes a character."""


@pytest.fixture
def worker(lane_kafka: KafkaBroker, tmp_path: Path) -> Iterator[Worker]:
    renew_topics(lane_kafka.bootstrap, PARTITIONS)
    made = Worker(lane_kafka.bootstrap, "one", tmp_path / "one.log")
    yield made
    if made.running:
        made.kill()


def event(hour: int, kind: str, **fields: Any) -> bytes:
    at = rfc3339(START + hour * HOUR)
    return msgspec.json.encode(
        {"event_id": f"e{hour}", "type": kind, "occurred_at": at, "received_at": at, **fields}
    )


def send(producer: KafkaProducer, topic: str, value: bytes, names: Names) -> None:
    """To a partition where the lead does not live."""
    home = partition_of(lead_keys(*names, Secret(SECRET.encode()))[0], PARTITIONS)
    producer.send(topic, value, partition=(home + 1) % PARTITIONS).get(20)


def send_largest(producer: KafkaProducer, topic: str, value: bytes, names: Names) -> int:
    """Padded until the topic takes no byte more; the size that it took."""
    for spare in range(60, 120):
        padded = value.ljust(topics.MAX_EVENT_BYTES - spare)
        try:
            send(producer, topic, padded, names)
        except MessageSizeTooLargeError:
            continue
        return len(padded)
    raise AssertionError("not even with 120 bytes less")


def largest(bootstrap: str, topic: str) -> int:
    return max(len(record.value or b"") for record in read_committed(bootstrap, topic, PARTITIONS))


def test_events_of_the_largest_size_on_the_wrong_partition_are_scored_and_their_lead_merged(
    lane_kafka: KafkaBroker, worker: Worker
) -> None:
    bootstrap = lane_kafka.bootstrap
    worker.start()
    producer = KafkaProducer(  # an idempotent one is broken by the first refusal
        bootstrap_servers=bootstrap, enable_idempotence=False, max_request_size=2 * topics.MAX_EVENT_BYTES
    )
    user: Names = (None, USER["user_id"], None)
    mail: Names = (MAIL["email"], None, None)
    for hour in range(VERSIONS):  # other words each time: all are kept
        texts = {name: f"{hour}{text}" for name, text in TEXTS.items()}
        said = event(hour, "form_submitted", form_type="whitepaper", **USER, **texts)
        assert send_largest(producer, topics.FORM_SUBMISSIONS, said, user) > topics.MAX_EVENT_BYTES - 120
    linked = event(10, "lead_identified", source_kind="server", **USER, **MAIL)
    send(producer, topics.LEAD_ACTIVITIES, linked, mail)
    called = event(11, "sales_contacted", outcome="connected", **MAIL)
    send_largest(producer, topics.LEAD_ACTIVITIES, called, mail)
    producer.close()

    await_quiet([worker])
    until(lambda: len(read_committed(bootstrap, topics.SALES_HANDOFFS, PARTITIONS)) == 1, 30, "the handoff")

    assert read_committed(bootstrap, topics.DEAD_LETTERS, PARTITIONS) == []
    record = len(ATTRIBUTES) * VERSIONS * 4 * LONGEST
    for topic, least in (
        (topics.LEAD_FORWARDS, record),  # the merge
        (topics.LEAD_SCORES, record),
        (topics.LEAD_TRANSITIONS, record // VERSIONS),
    ):
        assert least * 0.99 < largest(bootstrap, topic) < topics.MAX_STATE_BYTES, topic
    assert command(bootstrap, "replay", "--diff")[1]["differences"] == []
    assert worker.stop() == 0
    assert worker.lines("ERROR") == []
