"""What comes out of the pipeline while the demo runs: transitions, handoffs, dead letters, as they are written."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

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
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.qualification import PROMOTED, SCORE
from streams.scoring.response import REVIEW
from streams.settings import Settings
from streams.words import LANES

OUTPUTS: Final = (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS, topics.DEAD_LETTERS)
FETCH_WAIT_MS: Final = 20


class Handoff(NamedTuple):
    """A handoff as sales sees it, and how long after its event it could be read. `lane`: by what it qualified."""

    lead_key: str
    handoff_id: str
    name: str
    title: str
    company: str
    score: float
    grade: str
    lane: str
    reason: str
    approach: str
    message: str
    queue: str
    respond_by: str
    may_email: bool
    cycle: int
    latency_ms: float | None


class Note(NamedTuple):
    """What somebody has to look at: a request that makes no SQL by itself, or one of an existing account."""

    lead_key: str
    kind: str
    name: str
    company: str
    reason: str
    held: str
    queue: str
    respond_by: str


class Told(NamedTuple):
    """A lead as the newest transition tells it."""

    stage: str
    name: str
    company: str
    score: float
    grade: str
    held: str


class DeadLetter(NamedTuple):
    """Why something was refused."""

    reason: str
    detail: str


class Watch:
    """Reads the pipeline's outputs. `stages` holds each lead's stages in the order told, `leads` the newest."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._lanes: dict[str, tuple[str, int]] = {}
        self.stages: dict[str, list[str]] = {}
        self.leads: dict[str, Told] = {}
        self.handoffs: list[Handoff] = []
        self.notes: list[Note] = []
        self.dead: list[DeadLetter] = []

    def look(self, patience_s: float) -> list[Handoff | Note]:
        """Read what has come, or wait so long for it; the new handoffs and notes."""
        handoffs, notes = len(self.handoffs), len(self.notes)
        found = self._consumer.poll(int(patience_s * 1000))
        now = int(time.time() * 1000)
        for place in sorted(found, key=lambda place: OUTPUTS.index(place.topic)):
            for record in found[place]:
                self._read(place.topic, record, now)
        return [*self.notes[notes:], *self.handoffs[handoffs:]]

    def _read(self, topic: str, record: Any, now: int) -> None:
        value: bytes = record.value or b""
        if topic == topics.DEAD_LETTERS:
            headers = Headers.decode((name, text or b"") for name, text in record.headers)
            self.read_dead(*(headers.reason.value, headers.detail) if headers else ("unknown", ""))
        elif topic == topics.LEAD_TRANSITIONS:
            self.read_transition(value)
        else:
            self.read_handoff(value, now)

    def read_dead(self, reason: str, detail: str) -> None:
        self.dead.append(DeadLetter(reason, detail))

    def read_transition(self, value: bytes) -> None:
        told = transition.decode(value)
        if told is None:
            return
        key, name, company = told.lead_key, _name(told.lead), str(told.lead.get("company") or "")
        held = told.held_because or ""
        self.stages.setdefault(key, []).append(told.to_stage)
        self.leads[key] = Told(told.to_stage, name, company, told.score, told.fit_grade or "", held)
        if told.handoff_id is not None:
            self._lanes[told.handoff_id] = _lane(told.sales), milliseconds(told.arrived_at)
        if told.type in (REVIEW, RELATIONSHIP):
            queue = str(told.sales.get("account_owner") or told.sales.get("owner_queue") or "")
            by = str(told.sales.get("respond_by") or "")
            self.notes.append(Note(key, told.type, name, company, told.reason or "", held, queue, by))

    def read_handoff(self, value: bytes, now: int) -> None:
        event = msgspec.json.decode(value)
        data = event["data"]
        lane, arrival = self._lanes.get(event["id"], ("", None))
        self.handoffs.append(
            Handoff(
                data["lead_key"],
                event["id"],
                data["name"] or data["email"] or "",
                data["title_original"] or "",
                data["company"] or "",
                data["score"],
                data["fit_grade"] or "",
                lane,
                data["reason"] or "",
                data["approach"] or "",
                data["message"] or "",
                data["account_owner"] or data["owner_queue"] or "",
                data["respond_by"] or "",
                data["may_email_marketing"] is not False,
                data["cycle"],
                None if arrival is None else now - arrival,
            )
        )

    def open_handoff(self, lead_key: str) -> str | None:
        """The id of the lead's newest handoff, which is what sales answers."""
        return next((h.handoff_id for h in reversed(self.handoffs) if h.lead_key == lead_key), None)


def _lane(sales: Mapping[str, object]) -> str:
    """By what a lead was handed over, as the handoff's criteria say it."""
    if sales.get("criteria") in LANES[PROMOTED]:
        return PROMOTED
    return str(sales.get("request_type") or SCORE)


def _name(known: Mapping[str, object]) -> str:
    parts = (known.get("first_name"), known.get("last_name"))
    return " ".join(str(part) for part in parts if part) or str(known.get("email") or "")


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
