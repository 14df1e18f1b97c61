"""One record of `sales-handoffs` as connectors see it: tolerant of fields that a later version adds."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, get_args

from pydantic_core import PydanticCustomError

from schemas.dead_letter import Reason, Rejected
from schemas.handoff import Change, Handoff, LeadUpdate
from schemas.instant import instant, milliseconds

Scalar = str | int | float | bool | None

HANDOFF: Final[str] = get_args(Handoff.model_fields["type"].annotation)[0]
UPDATE: Final[str] = get_args(LeadUpdate.model_fields["type"].annotation)[0]
CHANGES: Final[tuple[str, ...]] = get_args(Change)


class Event(NamedTuple):
    """A handoff, or what changed after it. `at` in Unix milliseconds; `raw` is the record's value.

    `traceparent` is the trace that it belongs to, which came beside it.
    """

    id: str
    type: str
    key: str
    at: int
    data: Mapping[str, Scalar]
    raw: bytes
    traceparent: str | None = None

    @property
    def change(self) -> str | None:
        """What an update tells; None for a handoff."""
        return None if self.type == HANDOFF else str(self.data.get("change"))

    @property
    def cycle(self) -> int:
        """1 for the lead's first handoff."""
        found = self.data.get("cycle")
        return found if isinstance(found, int) else 0


class Unknown(NamedTuple):
    """An event of a type that this version does not know: passed over, since a later contract may add some."""

    type: str


def decode(value: bytes | None) -> Event | Unknown | Rejected:
    """The event in a record's value. Pure; nothing of the value is in a refusal."""
    if value is None:
        return Rejected(Reason.NULL_VALUE, "expected an event")
    try:
        document = json.loads(value.decode())
    except UnicodeDecodeError:
        return Rejected(Reason.BAD_UTF8, "expected UTF-8")
    except (ValueError, RecursionError):
        return Rejected(Reason.BAD_JSON, "expected one JSON object")
    if not isinstance(document, dict):
        return Rejected(Reason.BAD_JSON, "expected one JSON object")
    return _event(document, value)


def _event(document: dict[str, Any], raw: bytes) -> Event | Unknown | Rejected:
    for name in ("specversion", "id", "type", "subject", "time"):
        if not isinstance(document.get(name), str) or not document[name]:
            return Rejected(Reason.BAD_FIELD, f"{name}: expected text")
    if document["type"] not in (HANDOFF, UPDATE):
        return Unknown(document["type"])
    data = document.get("data")
    if not isinstance(data, dict) or any(isinstance(value, dict | list) for value in data.values()):
        return Rejected(Reason.BAD_FIELD, "data: expected an object of scalars")
    if document["type"] == UPDATE and not isinstance(data.get("change"), str):
        return Rejected(Reason.BAD_FIELD, "data.change: expected text")
    try:
        at = milliseconds(instant(document["time"]))
    except PydanticCustomError:
        return Rejected(Reason.BAD_FIELD, "time: expected an RFC 3339 time")
    return Event(document["id"], document["type"], document["subject"], at, data, raw)
