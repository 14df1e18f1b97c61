"""The dead letters of a pipeline: read, selected, and driven once more to where they came from."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from schemas.dead_letter import Headers, Reason
from schemas.instant import rfc3339
from streams import topics
from streams.admin import Refused, Unreachable, connect, partition_counts, reason
from streams.changes import Record
from streams.kafka_client import client_options
from streams.settings import Settings

PATIENCE_S: Final = 10.0
"""Without any progress for so long, reading ends with an error."""

POLL_MS: Final = 200
RETRY_OF: Final = "retry-of"
"""The header that tells a retried record from a new one: the dead letter's id."""

NOT_AN_EVENT: Final = frozenset({Reason.UNDECODABLE_BATCH})
"""What these hold is no record: there is nothing that could be sent again."""


class DeadLetter(NamedTuple):
    """One dead letter. `headers` is None if a stranger wrote it; `written` in Unix ms."""

    partition: int
    offset: int
    written: int
    key: bytes | None
    value: bytes | None
    headers: Headers | None

    @property
    def id(self) -> str:
        """`partition:offset`: what names it on the command line."""
        return f"{self.partition}:{self.offset}"


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """What is said of one without showing its content."""
    known = letter.headers._asdict() if letter.headers else {}
    size = None if letter.value is None else len(letter.value)
    return {"id": letter.id, "written": rfc3339(letter.written), **known, "bytes": size}


def newest(found: Iterable[DeadLetter], limit: int) -> list[DeadLetter]:
    """The newest of them, the newest last."""
    return sorted(found, key=lambda letter: (letter.written, letter.partition, letter.offset))[-limit:]


class Selection(NamedTuple):
    """Which dead letters are meant; an empty part means all."""

    ids: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()

    def means(self, letter: DeadLetter) -> bool:
        known = letter.headers
        return (
            (not self.ids or letter.id in self.ids)
            and (not self.reasons or (known is not None and known.reason.value in self.reasons))
            and (not self.topics or (known is not None and known.source_topic in self.topics))
        )


class Retried(NamedTuple):
    """What became of one dead letter: sent again, or the reason why not."""

    letter: DeadLetter
    refused: str | None


def read(settings: Settings) -> Iterator[DeadLetter]:
    """All dead letters up to now, by partition. Raises Unreachable, or Refused."""
    with connect(settings) as client:
        count = partition_counts(client, [topics.DEAD_LETTERS]).get(topics.DEAD_LETTERS)
    if count is None:
        raise Refused(f"no topic {topics.DEAD_LETTERS}: run leadstreams topics create")
    with _consumer(settings) as consumer:
        for partition in range(count):
            place = TopicPartition(topics.DEAD_LETTERS, partition)
            yield from _read_partition(consumer, place, settings.delivery == "exactly-once")


@contextmanager
def _consumer(settings: Settings) -> Iterator[KafkaConsumer]:
    try:
        consumer = KafkaConsumer(
            **client_options(settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # A dead letter of a transaction that failed will be written again.
            isolation_level="read_committed" if settings.delivery == "exactly-once" else "read_uncommitted",
            max_partition_fetch_bytes=4 * topics.MAX_EVENT_BYTES,
        )
    except KafkaError:
        raise Unreachable(settings) from None
    try:
        yield consumer
    except KafkaError as error:
        raise Refused(f"the broker refused: {reason(error)}") from None
    finally:
        consumer.close()


def _read_partition(consumer: KafkaConsumer, place: TopicPartition, committed_only: bool) -> Iterator[DeadLetter]:
    consumer.assign([place])
    end = consumer.end_offsets([place])[place]
    consumer.seek(place, consumer.beginning_offsets([place])[place])
    deadline = time.monotonic() + PATIENCE_S
    # The last offsets may be transaction markers, which are never delivered: the position tells, not the records.
    while (position := consumer.position(place)) < end:
        for record in consumer.poll(POLL_MS).get(place, []):
            yield _letter(record)
        if not committed_only:
            # Asked for its end the embedded broker tells the second offset of its last batch; what comes with the
            # records is right. Among transactions it would be too far, and the end is right there.
            end = max(end, consumer.highwater(place) or 0)
        if consumer.position(place) > position:
            deadline = time.monotonic() + PATIENCE_S
        elif time.monotonic() > deadline:
            raise Refused(f"{place.topic}:{place.partition} cannot be read past offset {position}")


def _letter(record: Record) -> DeadLetter:
    headers = Headers.decode((name, value or b"") for name, value in record.headers)
    return DeadLetter(record.partition, record.offset, record.timestamp, record.key, record.value, headers)


def retry(settings: Settings, letters: Iterable[DeadLetter]) -> list[Retried]:
    """Sends each letter's bytes again, with its key, to the topic and partition that it came from.

    The dead letters stay where they are: one that is refused again becomes a new one.
    """
    chosen = list(letters)
    with connect(settings) as client:
        counts = partition_counts(client, sorted({name for letter in chosen if (name := _source(letter))}))
    refusals = {letter.id: _refusal(letter, counts) for letter in chosen}
    good = [letter for letter in chosen if refusals[letter.id] is None]
    refusals |= _send(settings, good) if good else {}
    return [Retried(letter, refusals[letter.id]) for letter in chosen]


def _source(letter: DeadLetter) -> str | None:
    return letter.headers.source_topic if letter.headers else None


def _refusal(letter: DeadLetter, counts: dict[str, int]) -> str | None:
    known = letter.headers
    if known is None:
        return "its headers do not say where it came from"
    if known.reason in NOT_AN_EVENT:
        return f"{known.reason.value}: no record to send again"
    if known.source_topic not in topics.SCORED:
        return f"{known.source_topic} is not an input"
    if known.source_partition >= counts.get(known.source_topic, 0):
        return f"{known.source_topic} has no partition {known.source_partition}"
    return None


def _send(settings: Settings, letters: list[DeadLetter]) -> dict[str, str | None]:
    try:
        producer = KafkaProducer(
            **client_options(settings),
            acks="all",
            enable_idempotence=settings.delivery == "exactly-once",
            max_in_flight_requests_per_connection=1,
            max_request_size=topics.MAX_EVENT_BYTES + topics.DEAD_LETTER_HEADROOM,
            max_block_ms=int(PATIENCE_S * 1000),
            delivery_timeout_ms=3 * int(PATIENCE_S * 1000),
            request_timeout_ms=int(PATIENCE_S * 1000),
        )
    except KafkaError:
        raise Unreachable(settings) from None
    try:
        return {letter.id: _send_one(producer, letter) for letter in letters}
    finally:
        producer.close(timeout=PATIENCE_S)


def _send_one(producer: KafkaProducer, letter: DeadLetter) -> str | None:
    assert letter.headers is not None
    try:
        producer.send(
            letter.headers.source_topic,
            letter.value,
            letter.key,
            headers=[(RETRY_OF, letter.id.encode())],
            partition=letter.headers.source_partition,
        ).get(3 * PATIENCE_S)
    except KafkaError as error:
        return f"not delivered: {reason(error)}"
    return None
