"""Taking records in: the event and its arrival, or why it is refused."""

from collections.abc import Sequence

from schemas.dead_letter import Reason, Rejected
from streams.changes import Halted, Record
from streams.lane.record import UNDECODABLE
from streams.scoring.event import Event, decode, refusal


def read(record: Record, topic: str) -> tuple[Event | Rejected, int]:
    """The event of a record and its arrival: `received_at`, unless the log knows better."""
    timestamp = record.timestamp
    if record.headers:
        for name, value in record.headers:
            if name == UNDECODABLE:
                return Rejected(Reason.UNDECODABLE_BATCH, f"offsets {value.decode()}"), timestamp
    event = decode(record.value)
    if isinstance(event, Rejected):
        return event, timestamp
    received = event.received
    arrival = timestamp if received is None or received > timestamp else received
    return refusal(event, topic, arrival) or event, arrival


def halted(topic: str, first: Record, why: str, refused: Sequence[Event | Rejected]) -> Halted:
    """A topic-partition stops before its batch is applied; in one line, why and what to do."""
    reasons = ", ".join(sorted({str(event.reason) for event in refused if isinstance(event, Rejected)}))
    message = (
        f"{topic}[{first.partition}] stopped at offset {first.offset}: {why} ({reasons}). Mend the producer and "
        "restart the worker; to let them all go to dead-letters, restart it with LEADSTREAMS_REJECT_SHARE=1"
    )
    return Halted(topic, first.offset, message)


def traceparent(record: Record) -> str | None:
    """The trace context that came with the record."""
    return next(
        (value.decode("ascii", "replace") for name, value in record.headers if name == "traceparent"), None
    )
