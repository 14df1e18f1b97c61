"""Events of the contract in a few letters, for journeys written by hand or drawn at random."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.reference.outcome import Event

START = datetime(2026, 1, 1, tzinfo=UTC)
EMAIL = "kana@example.com"
PHONE = "+81 3 0000 0000"
USER = "user-1"


def at(day: float = 0, hour: float = 0, minute: float = 0, ms: int = 0) -> int:
    """An instant of a journey, in Unix milliseconds, counted from its first midnight."""
    passed = timedelta(days=day, hours=hour, minutes=minute, milliseconds=ms)
    return int(START.timestamp()) * 1000 + passed // timedelta(milliseconds=1)


def rfc3339(instant: int) -> str:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=instant)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(kind: str, event_id: str, instant: int, **fields: Any) -> Event:
    common = {"event_id": event_id, "type": kind, "occurred_at": rfc3339(instant), "source": "test"}
    return {**common, "anonymous_id": "device-1", **fields}


def view(event_id: str, instant: int, **fields: Any) -> Event:
    return event("page_viewed", event_id, instant, url="https://example.com/product", **fields)


def whitepaper(event_id: str, instant: int, **fields: Any) -> Event:
    return event(
        "content_downloaded", event_id, instant, **{"offer_id": "paper", "offer_type": "whitepaper"} | fields
    )


def form(event_id: str, instant: int, form_type: str, **fields: Any) -> Event:
    return event("form_submitted", event_id, instant, form_id=f"{form_type}-form", form_type=form_type, **fields)


def opened(event_id: str, instant: int, **fields: Any) -> Event:
    return event("email_opened", event_id, instant, message_id=f"mail-{event_id}", **fields)


def met(event_id: str, instant: int, **fields: Any) -> Event:
    return event("sales_contacted", event_id, instant, channel="phone", **fields)


def identified(event_id: str, instant: int, **fields: Any) -> Event:
    return event("lead_identified", event_id, instant, **(fields or {"email": EMAIL}))


def retraction(event_id: str, instant: int, retracts: str, **fields: Any) -> Event:
    return event("activity_retracted", event_id, instant, retracts=retracts, reason="machine", **fields)
