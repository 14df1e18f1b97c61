"""Taking records in: the event and its arrival, or why it is refused."""

from collections.abc import Sequence

from schemas.dead_letter import Reason, Rejected
from streams import trace_context
from streams.changes import Halted, Record
from streams.lane.record import UNDECODABLE
from streams.scoring.event import Event, decode, refusal

Taken = tuple[Record, Event | Rejected, int]
"""A record, its event or why there is none, and its arrival (Unix ms)."""


def read(topic: str, batch: Sequence[Record]) -> tuple[list[Taken], list[Rejected]]:
    """The events of a topic's records with their arrival: `received_at`, unless the log knows better."""
    taken: list[Taken] = []
    refused: list[Rejected] = []
    for record in batch:
        arrival = record.timestamp
        event = decode(record.value) if not record.headers else _decode(record)
        if not isinstance(event, Rejected):
            received = event.received
            if received is not None and received < arrival:
                arrival = received
            event = refusal(event, topic, arrival) or event
        if isinstance(event, Rejected):
            refused.append(event)
        taken.append((record, event, arrival))
    return taken, refused


def _decode(record: Record) -> Event | Rejected:
    for name, value in record.headers:
        if name == UNDECODABLE:
            return Rejected(Reason.UNDECODABLE_BATCH, f"offsets {value.decode()}")
    return decode(record.value)


def halted(topic: str, first: Record, why: str, refused: Sequence[Rejected]) -> Halted:
    """A topic-partition stops before its batch is applied; in one line, why and what to do."""
    reasons = ", ".join(sorted({str(event.reason) for event in refused}))
    message = (
        f"{topic}[{first.partition}] stopped at offset {first.offset}: {why} ({reasons}). Mend the producer and "
        "restart the worker; to let them all go to dead-letters, restart it with LEADSTREAMS_REJECT_SHARE=1"
    )
    return Halted(topic, first.offset, message)


def traceparent(record: Record) -> str | None:
    """The trace context that came with the record."""
    return trace_context.of(record.headers)
