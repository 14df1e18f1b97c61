"""What comes out of the pipeline while the demo runs: transitions, handoffs, dead letters, as they are written."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from schemas.dead_letter import Headers
from streams import topics, transition
from streams.admin import Unreachable
from streams.demo.processes import ask
from streams.kafka_client import client_options
from streams.scoring.instant import milliseconds
from streams.settings import Settings

OUTPUTS: Final = (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS, topics.DEAD_LETTERS)
FETCH_WAIT_MS: Final = 20


class Handoff(NamedTuple):
    """A handoff as sales sees it, and how long after its event it could be read."""

    lead_key: str
    name: str
    company: str
    score: float
    reason: str
    latency_ms: float | None


class DeadLetter(NamedTuple):
    """Why something was refused."""

    reason: str
    detail: str


class Watch:
    """Reads the pipeline's outputs. `stages` holds each lead's stages in the order told."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._arrivals: dict[str, int] = {}
        self.stages: dict[str, list[str]] = {}
        self.handoffs: list[Handoff] = []
        self.dead: list[DeadLetter] = []

    def look(self, patience_s: float) -> list[Handoff]:
        """Read what has come, or wait so long for it; the new handoffs."""
        before = len(self.handoffs)
        found = self._consumer.poll(int(patience_s * 1000))
        now = time.time() * 1000
        for place in sorted(found, key=lambda place: OUTPUTS.index(place.topic)):
            for record in found[place]:
                self._read(place.topic, record, now)
        return self.handoffs[before:]

    def _read(self, topic: str, record: object, now: float) -> None:
        value: bytes = record.value or b""  # type: ignore[attr-defined]
        if topic == topics.DEAD_LETTERS:
            headers = Headers.decode((name, text or b"") for name, text in record.headers)  # type: ignore[attr-defined]
            self.dead.append(DeadLetter(*(headers.reason.value, headers.detail) if headers else ("unknown", "")))
        elif topic == topics.LEAD_TRANSITIONS:
            told = transition.decode(value)
            if told is not None:
                self.stages.setdefault(told.lead_key, []).append(told.to_stage)
                if told.handoff_id is not None:
                    self._arrivals[told.handoff_id] = milliseconds(told.arrived_at)
        else:
            self._hand_over(msgspec.json.decode(value), now)

    def _hand_over(self, event: dict[str, object], now: float) -> None:
        data = event["data"]
        assert isinstance(data, dict)
        arrival = self._arrivals.get(str(event["id"]))
        self.handoffs.append(
            Handoff(
                data["lead_key"],
                data["name"] or data["email"] or "",
                data["company"] or "",
                data["score"],
                data["reason"] or "",
                None if arrival is None else now - arrival,
            )
        )


@contextmanager
def watching(settings: Settings) -> Iterator[Watch]:
    """A watch from the beginning of all outputs. Raises Unreachable."""
    try:
        consumer = KafkaConsumer(
            **client_options(settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
    except KafkaError:
        raise Unreachable(settings) from None
    try:
        places = [TopicPartition(topic, number) for topic in OUTPUTS for number in range(settings.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        yield Watch(consumer)
    finally:
        consumer.close()


class Progress(NamedTuple):
    """What the worker's metrics say: events by what became of them, and records not yet applied."""

    outcomes: Counter[str]
    applied: int
    lag: int

    @property
    def settled(self) -> int:
        """Events of the outside that are done with: one that was passed on is counted where it arrives."""
        return sum(count for outcome, count in self.outcomes.items() if outcome != "forwarded")


def progress(worker_port: int) -> Progress | None:
    """How far the worker is; None if it does not answer."""
    text = ask(worker_port, "/metrics")
    if text is None:
        return None
    outcomes: Counter[str] = Counter()
    applied = lag = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "leadstreams_events_total":
                applied += int(sample.value)
                if sample.labels["topic"] in topics.INPUTS:
                    outcomes[sample.labels["outcome"]] += int(sample.value)
            elif sample.name == "leadstreams_lag_records":
                lag += int(sample.value)
    return Progress(outcomes, applied, lag)
