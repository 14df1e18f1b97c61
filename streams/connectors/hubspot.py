"""HubSpot, the pure part: which contacts an event means, and what is written into them.

Wire format: CRM API v3, batch endpoints, as the developer documentation describes them.
"""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field

from streams.connectors.base import Base
from streams.connectors.event import Event, Scalar
from streams.connectors.http import MISCONFIGURED, retry_after
from streams.connectors.mapping import Changes, Fields, Strict, Template, apply, render
from streams.connectors.outcome import Outcome, Postponed, Refused
from streams.connectors.secret import SecretSource

BATCH: Final = 100
"""What a batch endpoint takes."""

NOTE_LONGEST: Final = 60_000
"""Characters of a note; HubSpot takes 65,536 of its HTML."""

ROLLING_S: Final = 10.0
"""The window of the burst limit: after so long calls are allowed again."""
LOCKED: Final = 423
MIGRATING: Final = 477
PROPERTY: Final = r"^[a-z][a-z0-9_]*$"


CONFLICT: Final = Postponed("HTTP 409 CONFLICT")
"""Somebody made the contact just now: it is found by its address next time."""


class ContactRule(Strict):
    """What is written into a contact."""

    fields: Fields
    changes: Changes


class NoteRule(Strict):
    """The note at a contact: one per handoff, and one per update that has a note."""

    text: Template
    id_property: str = Field("leadstreams_event", pattern=PROPERTY, description="unique property of notes")


class HubSpot(Base):
    """`kind: hubspot`."""

    kind: Literal["hubspot"]
    token: SecretSource
    key_property: str = Field("leadstreams_key", pattern=PROPERTY, description="unique property of contacts")
    match_email: bool = Field(True, description="adopt a contact that has the address already")
    contact: ContactRule
    note: NoteRule | None = None


class Contact(NamedTuple):
    """A contact that is there."""

    id: str
    owner: str | None


class Write(NamedTuple):
    """What happens to one event's contact. `id` None: made or updated by its key. `properties` None: erased."""

    id: str | None
    properties: Mapping[str, str] | None


def properties(values: Mapping[str, Scalar]) -> dict[str, str]:
    """As HubSpot takes them: text, and an empty text empties."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)


def address(event: Event, settings: HubSpot) -> str | None:
    """The address by which a handoff's contact may be known already."""
    found = event.data.get("email") if settings.match_email and event.change is None else None
    return found.strip().lower() if isinstance(found, str) and found.strip() else None


def write(event: Event, found: Contact | None, settings: HubSpot) -> Write | None:
    """What is to be written for an event; None if nothing is."""
    if event.change is None:
        values = {**apply(settings.contact.fields, event, settings.neutralise), settings.key_property: event.key}
        return Write(found.id if found else None, properties(values))
    change = settings.contact.changes.get(event.change)
    if found is None or change is None or change.skip:
        return None  # an update never makes a contact: sales does not know this lead
    if change.delete:
        return Write(found.id, None)
    values = apply(change.fields, event, settings.neutralise)
    return Write(found.id, properties(values)) if values else None


def note(event: Event, contact: Contact, settings: HubSpot) -> dict[str, str] | None:
    """The properties of the note that an event leaves at its contact; None if it leaves none."""
    if settings.note is None:
        return None
    template = settings.note.text
    if event.change is not None:
        change = settings.contact.changes.get(event.change)
        if change is None or change.skip or change.delete or change.note is None:
            return None
        template = change.note
    text = html.escape(render(template, event, settings.neutralise)[:NOTE_LONGEST], quote=False)
    owner = {"hubspot_owner_id": contact.owner} if contact.owner else {}
    return {
        settings.note.id_property: event.id,
        "hs_note_body": text.replace("\n", "<br>"),
        "hs_timestamp": str(event.at),
        **owner,
    }


def judge(status: int, headers: Mapping[str, str], body: bytes | str | None, now: int) -> Outcome:
    """What a refused call means for those whom it was about. HubSpot's messages hold values: codes are told."""
    document = _document(body)
    wait = retry_after(headers, now)
    if status == 429:
        rolling = document.get("policyName") != "DAILY"
        detail = f"HTTP 429 {document.get('policyName') or ''}".strip()
        return Postponed(detail, wait if wait is not None else (ROLLING_S if rolling else None), everyone=True)
    if status in (503, MIGRATING):
        return Postponed(f"HTTP {status}", wait, everyone=True)
    if status >= 500 or status in (408, LOCKED):
        return Postponed(f"HTTP {status}", wait)
    detail = f"HTTP {status} {_category(document)}".strip()
    if status in MISCONFIGURED or "PROPERTY_DOESNT_EXIST" in detail:
        return Postponed(detail, everyone=True, operator=True)
    if status == 409:
        return CONFLICT
    return Refused(detail)


def _document(body: bytes | str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _category(document: Mapping[str, Any]) -> str:
    codes = [
        document.get("category"),
        *(e.get("code") for e in document.get("errors") or () if isinstance(e, dict)),
    ]
    known = [str(code) for code in codes if isinstance(code, str) and code.replace("_", "").isalnum()]
    # Whether a property is missing stands in the message only, as JSON in text.
    if "PROPERTY_DOESNT_EXIST" in str(document.get("message")):
        known.append("PROPERTY_DOESNT_EXIST")
    return ", ".join(dict.fromkeys(known))


def failed(errors: Sequence[Mapping[str, Any]]) -> dict[str, Outcome]:
    """The errors of a batch of which some passed, by what HubSpot calls the input: its trace id, or its id."""
    outcomes: dict[str, Outcome] = {}
    for error in errors:
        category = str(error.get("category") or "UNKNOWN")
        outcome: Outcome = Refused(category)
        if category in ("RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT", "CONFLICT"):
            outcome = Postponed(category)
        context = error.get("context") or {}
        for name in ("objectWriteTraceId", "ids", "id"):
            for found in context.get(name) or ():
                outcomes[str(found)] = outcome
    return outcomes
