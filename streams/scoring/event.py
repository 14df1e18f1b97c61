"""The event as the scoring core sees it, decoded in one pass.

The contract's models (`schemas.event`) say what is accepted; this reader accepts a part of it at full speed and
leaves everything else to them: unknown fields, values of unusual kinds, and every refusal. A test holds both to
the same answer. All times are Unix milliseconds.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.attribute import as_text
from schemas.dead_letter import Reason, Rejected
from schemas.document import INT_MAX, INT_MIN, MAX_DEPTH, Document, read
from schemas.envelope import MAX_EVENT_ID, MAX_SCHEMA_VERSION, Envelope, SourceKind
from schemas.event import ACTIVITY_TYPES, FEEDBACK_TYPES, FUTURE_MS, MODELS, RETRACTION, validate
from schemas.identity import MAX_IDENTITY, address
from schemas.instant import LAST_INSTANT, Zoned, milliseconds
from streams.topics import SALES_FEEDBACK

if TYPE_CHECKING:
    Type = str
    Free = Any
    Properties = dict[str, Any]
    At = int
    Received = int | None
    Extra = dict[str, Any] | None
else:
    # What the fast decoder takes without a second look: flat, 64-bit, finite. The rest goes the careful way.
    _SCALAR = str | Annotated[int, Meta(ge=INT_MIN, le=INT_MAX)] | float | bool | None
    Type = Literal[tuple(MODELS)]
    Free = _SCALAR | list[_SCALAR] | dict[str, _SCALAR]
    Properties = dict[str, Free]
    # No JSON value is one: what is computed cannot be set from outside.
    At = Received = Extra = Annotated[int, Meta(ge=1, le=-1)]

EventId = Annotated[str, Meta(min_length=1, max_length=MAX_EVENT_ID)]
PersonId = Annotated[str, Meta(min_length=1, max_length=MAX_IDENTITY)]
SchemaVersion = Annotated[int, Meta(ge=1, le=MAX_SCHEMA_VERSION)]


class Event(Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One event, flat: every field of every type, None where the event has none.

    `at` is when it happened and `received` when the sender says that it arrived; `extra` holds what the contract
    does not know. `gc=False` is sound: an event holds JSON values, which cannot refer back to it.
    """

    event_id: EventId
    type: Type
    occurred_at: Zoned
    received_at: Zoned | None = None
    source: str | None = None
    source_kind: SourceKind = "server"
    anonymous_id: PersonId | None = None
    user_id: PersonId | None = None
    email: str | None = None
    session_id: str | None = None
    url: str | None = None
    title: Free = None
    referrer: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    touch_channel: str | None = None
    email_domain_kind: str | None = None
    is_machine: bool = False
    machine_reason: str | None = None
    schema_version: SchemaVersion = 1

    offer_id: str | None = None
    offer_type: str | None = None
    form_id: str | None = None
    form_type: str | None = None
    message: str | None = None
    message_id: str | None = None
    campaign: str | None = None
    link_url: str | None = None
    bounce_type: str | None = None
    name: str | None = None
    properties: Properties | None = None
    channel: str | None = None
    direction: str | None = None
    outcome: str | None = None
    sales_person: str | None = None
    previous_id: str | None = None
    retracts: str | None = None
    handoff_id: str | None = None
    relationship: str | None = None
    reason: str | None = None
    not_before: str | None = None

    first_name: Free = None
    last_name: Free = None
    phone: Free = None
    company: Free = None
    company_domain: Free = None
    employees: Free = None
    revenue: Free = None
    industry: Free = None
    country: Free = None
    region: Free = None
    ad_spend: Free = None
    budget: Free = None
    software: Free = None
    pain_points: Free = None
    persona: Free = None
    referral_channel: Free = None
    language: Free = None
    timezone: Free = None
    consent_processing: Free = None
    consent_communication: Free = None
    need: Free = None
    budget_confirmed: Free = None
    authority: Free = None
    timeline: Free = None
    amount: Free = None
    currency: Free = None

    at: At = 0
    received: Received = None
    extra: Extra = None

    @property
    def is_human(self) -> bool:
        """Whether no machine did it: no bot, scanner or mail proxy."""
        return not self.is_machine

    def field(self, name: str) -> Any:
        """A field's value by its name on the wire, known or not; None if the event has none."""
        if name in FIELDS:
            return getattr(self, name)
        return None if self.extra is None else self.extra.get(name)


_COMPUTED = ("at", "received", "extra")
FIELDS: Final = frozenset(Event.__struct_fields__) - set(_COMPUTED)
"""The names on the wire that an event has as attributes."""

_TEXT = frozenset(
    {
        *("offer_id", "offer_type", "form_id", "form_type", "message", "message_id", "campaign", "link_url"),
        *("bounce_type", "name", "channel", "direction", "outcome", "sales_person", "previous_id", "retracts"),
        *("handoff_id", "relationship", "reason", "not_before"),
    }
)
_STRICT = frozenset({"relationship_set", "activity_retracted", "identities_linked"})
"""Rare types whose own fields decide whether they are taken: the models look at each of them."""

_fast = msgspec.json.Decoder(Event).decode
_untyped = msgspec.json.Decoder().decode
_FAST_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode(raw: bytes | None) -> Event | Rejected:
    """The event in a record's value, or why it is refused; None is a tombstone."""
    if raw is None:
        return Rejected(Reason.NULL_VALUE, "expected an event, got a tombstone")
    try:
        event = _fast(raw)
    except _FAST_ERRORS:
        return _open(raw) or _careful(raw)
    return event if _settle(event) else _careful(raw)


def _settle(event: Event) -> bool:
    """Fill in what is computed; False if the models have to judge."""
    anonymous, user, email = event.anonymous_id, event.user_id, event.email
    if email is not None:
        if not (_plain(email) or address(email)):
            return False
    elif anonymous is None and user is None:
        return False
    if (anonymous is not None and anonymous.isspace()) or (user is not None and user.isspace()):
        return False
    event.at = at = milliseconds(event.occurred_at)
    if not 0 <= at <= LAST_INSTANT or event.type in _STRICT:
        return False
    if event.received_at is not None:
        event.received = received = milliseconds(event.received_at)
        return 0 <= received <= LAST_INSTANT
    return True


def _plain(email: str) -> bool:
    """Whether it is an address at first sight: `address` agrees and takes five times as long."""
    if not (0 < email.rfind("@") < len(email) - 1 < MAX_IDENTITY):
        return False
    return email.isascii() and email.isprintable() and " " not in email


def _open(raw: bytes) -> Event | None:
    """An event that differs from the known form by unknown fields only; None leaves it to the models."""
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        return None
    try:
        tree = _untyped(raw)
        event = msgspec.convert({name: tree[name] for name in tree if name in FIELDS}, Event)
    except (*_FAST_ERRORS, TypeError):
        return None
    extra = {name: value for name, value in tree.items() if name not in FIELDS}
    if not _held(extra) or not _settle(event):
        return None
    event.extra = extra or None
    return event


def _held(value: Any) -> bool:
    """Whether all integers in it are of 64 bits."""
    if isinstance(value, dict):
        return all(map(_held, value.values()))
    if isinstance(value, list):
        return all(map(_held, value))
    return type(value) is not int or INT_MIN <= value <= INT_MAX


def _careful(raw: bytes) -> Event | Rejected:
    """What the models say."""
    document = read(raw)
    if isinstance(document, Rejected):
        return document
    model = validate(document)
    return model if isinstance(model, Rejected) else _flat(document, model)


def _flat(document: Document, model: Envelope) -> Event:
    """The models' view of a document as an event."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in document.items():
        if name not in FIELDS or (name == "properties" and not isinstance(value, dict | None)):
            extra[name] = value
        elif value is not None:
            known[name] = _field(model, name, value)
    event = Event(**known)
    event.at = milliseconds(event.occurred_at)
    event.received = None if event.received_at is None else milliseconds(event.received_at)
    event.extra = extra or None
    return event


def _field(model: Envelope, name: str, value: Any) -> Any:
    """A field as its model has it; one that belongs to other types is kept in their form."""
    if name in type(model).model_fields:
        return getattr(model, name)
    return as_text(value) if name in _TEXT else value


def refusal(event: Event, topic: str, arrival: int) -> Rejected | None:
    """Why an event is not taken from this topic at this time (Unix ms), None if it is."""
    types = FEEDBACK_TYPES if topic == SALES_FEEDBACK else ACTIVITY_TYPES
    if event.type not in types and event.type != RETRACTION:
        return Rejected(Reason.WRONG_TOPIC, f"type: not one that {topic} carries")
    if event.at > arrival + FUTURE_MS:
        return Rejected(Reason.FUTURE, "occurred_at: expected at most an hour after the arrival")
    return None
