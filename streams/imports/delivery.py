"""Produces prepared events and knows of each whether the broker has it."""

import threading
from types import TracebackType
from typing import Final, NamedTuple, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams import topics
from streams.admin import Refused, Unreachable, connect, partition_counts, reason
from streams.identity.keys import partition_of
from streams.imports.event import Prepared
from streams.imports.report import Place
from streams.kafka_client import client_options
from streams.settings import Settings

BUFFER_FULL_MS: Final = 15_000
"""How long to wait while nothing drains before the broker counts as gone."""

DELIVERY_MS: Final = 30_000
REQUEST_MS: Final = 10_000
LINGER_MS: Final = 20
BATCH_BYTES: Final = 131_072
SHOWN_FAILURES: Final = 20


class Failure(NamedTuple):
    """An event that the broker does not have."""

    place: Place
    reason: str


def input_partitions(settings: Settings) -> int:
    """How many partitions the inputs have; raises Unreachable, or Refused with what to do."""
    with connect(settings) as client:
        found = partition_counts(client, topics.INPUTS)
    if missing := [name for name in topics.INPUTS if name not in found]:
        raise Refused(f"no topic {', '.join(missing)}: run leadstreams topics create")
    if len(counts := set(found.values())) > 1:
        raise Refused(f"the input topics have {sorted(counts)} partitions: run leadstreams topics check")
    return counts.pop()


class Delivery:
    """Sends events to their leads' partitions. After `with`, `delivered` and `failed` account for all of them."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self.delivered = 0
        self.failed = 0
        self.failures: list[Failure] = []
        self._settings = settings
        self._partitions = partitions
        self._lock = threading.Lock()
        # Without idempotence (the embedded broker has none) one request at a time keeps the order over retries.
        exact = settings.delivery == "exactly-once"
        try:
            self._producer = KafkaProducer(
                **client_options(settings),
                acks="all",
                enable_idempotence=exact,
                max_in_flight_requests_per_connection=5 if exact else 1,
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
                max_block_ms=BUFFER_FULL_MS,
                delivery_timeout_ms=DELIVERY_MS,
                request_timeout_ms=REQUEST_MS,
                max_request_size=topics.MAX_EVENT_BYTES,
            )
        except KafkaError:
            raise Unreachable(settings) from None

    def send(self, event: Prepared, place: Place) -> None:
        """Hands an event to the producer; raises Refused if nothing goes out any more."""
        partition = 0 if event.key is None else partition_of(event.key, self._partitions)
        key = None if event.key is None else event.key.encode()
        try:
            future = self._producer.send(event.topic, event.value, key, partition=partition)
        except KafkaError as error:
            raise Refused(
                f"the broker at {self._settings.broker} stopped taking events ({reason(error)}) at {place}"
            ) from None
        future.add_callback(self._on_delivered)
        future.add_errback(self._on_failed, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        patience_s = DELIVERY_MS / 1000 + 5
        self._producer.close(timeout=0 if kind else patience_s)

    def _on_delivered(self, _: object) -> None:
        with self._lock:
            self.delivered += 1

    def _on_failed(self, place: Place, error: KafkaError) -> None:
        with self._lock:
            self.failed += 1
            if len(self.failures) < SHOWN_FAILURES:
                self.failures.append(Failure(place, reason(error)))
