"""Handoffs and updates as the pipeline writes them."""

from hashlib import blake2b
from typing import Any

from schemas.handoff import Handoff, HandoffData, LeadUpdate, UpdateData, blank
from streams.connectors.event import Event, decode

AT = "2026-11-02T01:00:00.000Z"
LATER = "2026-11-03T01:00:00.000Z"


def lead_key(number: int) -> str:
    return f"e1-{blake2b(str(number).encode(), digest_size=16).hexdigest()}"


def handoff_id(number: int, cycle: int = 1) -> str:
    return f"ho-{blake2b(f'{number}/{cycle}'.encode(), digest_size=16).hexdigest()}"


def handoff(number: int = 0, cycle: int = 1, **known: Any) -> bytes:
    """The value of a handoff's record; any field of the data may be given."""
    data = blank(
        HandoffData,
        **{
            "handoff_id": handoff_id(number, cycle),
            "lead_key": lead_key(number),
            "name": "田中 美香",
            "email": f"lead{number}@example.jp",
            "company": "例示製作所",
            "reason": "資料をダウンロードした",
            "score": 50.0,
            "behaviour_score": 50.0,
            "fit_score": 0.0,
            "stage": "sql",
            "cycle": cycle,
            "previous_handoffs": cycle - 1,
            "respond_by": LATER,
            "model_id": "4f2a9c0d7b1e8f36",
            "model_version": "1",
            **known,
        },
    )
    envelope = {"source": "/leadstreams/leadstreams", "subject": lead_key(number), "time": AT}
    return Handoff.model_validate({**envelope, "id": handoff_id(number, cycle), "data": data}).encode()


def update(number: int = 0, change: str = "opted_out", cycle: int = 1, **known: Any) -> bytes:
    """The value of an update's record."""
    data = blank(
        UpdateData,
        **{
            "handoff_id": handoff_id(number, cycle),
            "lead_key": lead_key(number),
            "change": change,
            "changed_at": LATER,
            "cycle": cycle,
            "model_id": "4f2a9c0d7b1e8f36",
            "model_version": "1",
            **known,
        },
    )
    envelope = {"source": "/leadstreams/leadstreams", "subject": lead_key(number), "time": LATER}
    event_id = f"up-{handoff_id(number, cycle)[3:]}-{change}"
    return LeadUpdate.model_validate({**envelope, "id": event_id, "data": data}).encode()


def event(value: bytes) -> Event:
    found = decode(value)
    assert isinstance(found, Event), found
    return found
