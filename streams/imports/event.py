"""From a row or a line to the record that is produced: pure, so that a dry run is the same as the real one."""

import json
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from schemas.dead_letter import Reason, Rejected
from schemas.document import Document, read
from schemas.envelope import Envelope, SourceKind
from schemas.event import FEEDBACK_TYPES, FUTURE_MS, RETRACTION, validate
from schemas.instant import milliseconds, rfc3339
from streams import topics
from streams.collector.bots import MACHINE_REASON, is_machine
from streams.collector.mapping import topic_of
from streams.identity.keys import Secret, lead_keys
from streams.imports.mapping import Mapping, Rule, Source, instant

LARGEST: Final = topics.MAX_EVENT_BYTES - 1_024
"""Bytes of an event; the rest of what the topic takes is for key, headers and framing."""

NO_RULE: Final = "no_rule"
BOT: Final = "bot"
BLANK: Final = "blank_line"


class Prepared(NamedTuple):
    """A record to produce; its partition follows from the key. `key` is None for an event about a company."""

    topic: str
    key: str | None
    value: bytes
    type: str
    machine: bool


class Skipped(NamedTuple):
    """A row that was left out on purpose, and why."""

    reason: str


Outcome = Prepared | Skipped | Rejected


class Import(NamedTuple):
    """What all events of one call share. `arrival` in Unix ms; None: each event arrives when it happens."""

    secret: Secret
    source_kind: SourceKind
    arrival: int | None


def from_line(raw: bytes, settings: Import) -> Outcome:
    """A JSON line as a record."""
    if not raw.strip():
        return Skipped(BLANK)
    document = read(raw)
    return document if isinstance(document, Rejected) else prepare(document, settings)


def from_row(cells: dict[str, str], mapping: Mapping, settings: Import) -> Outcome:
    """A CSV row as a record, by the first rule that fits it."""
    rule = next((rule for rule in mapping.events if _fits(rule, cells)), None)
    if rule is None:
        return Skipped(NO_RULE)
    machine = mapping.bots is not None and is_machine(cells[mapping.bots.user_agent])
    if rule.type is None:
        return Skipped(rule.skip or NO_RULE)
    if machine and mapping.bots is not None and mapping.bots.skip:
        return Skipped(BOT)
    document = _document(cells, rule, mapping)
    if isinstance(document, Rejected):
        return document
    if machine:
        document.update(is_machine=True, machine_reason=MACHINE_REASON)
    return prepare(document, settings)


def prepare(document: Document, settings: Import) -> Outcome:
    """An event as a record: its arrival and trust stamped, checked against the contract, keyed by its lead."""
    document["source_kind"] = settings.source_kind
    document.setdefault("source", "import")
    if document.get("received_at") is None:
        document["received_at"] = (
            document.get("occurred_at") if settings.arrival is None else rfc3339(settings.arrival)
        )
    event = validate(document)
    if isinstance(event, Rejected):
        return Skipped(event.reason.value) if event.reason is Reason.MISSING_IDENTITY else event
    if _from_the_future(event):
        return Rejected(Reason.FUTURE, "occurred_at: expected no later than an hour after its arrival")
    return _record(event, document, settings.secret)


def _record(event: Envelope, document: Document, secret: Secret) -> Prepared | Rejected:
    value = msgspec.json.encode(document)
    if len(value) > LARGEST:
        return Rejected(Reason.OVERSIZE, f"expected at most {LARGEST} bytes")
    keys = lead_keys(event.email, event.user_id, event.anonymous_id, secret)
    return Prepared(_topic(event), keys[0] if keys else None, value, event.type, bool(event.is_machine))


def _from_the_future(event: Envelope) -> bool:
    arrival = event.received_at
    return arrival is not None and milliseconds(event.occurred_at) > milliseconds(arrival) + FUTURE_MS


def _topic(event: Envelope) -> str:
    if event.type in FEEDBACK_TYPES:
        return topics.SALES_FEEDBACK
    # Every topic takes a retraction; on its lead's partition it is found whichever it travelled on.
    return topics.LEAD_ACTIVITIES if event.type == RETRACTION else topic_of(event.type)


def _fits(rule: Rule, cells: dict[str, str]) -> bool:
    return all(cells[column] in wanted for column, wanted in rule.when.items())


def _document(cells: dict[str, str], rule: Rule, mapping: Mapping) -> Document | Rejected:
    document: Document = {"type": rule.type, "source": mapping.source}
    for name, source in {**mapping.fields, **rule.fields}.items():
        try:
            value = _value(cells, source, is_time=name == "occurred_at")
        except ValueError as error:
            return Rejected(Reason.BAD_FIELD, f"{name}: {error}")
        if value is not None:
            _set(document, name, value)
    document.setdefault("event_id", _row_id(cells, str(rule.type)))
    return document


def _set(document: Document, name: str, value: Any) -> None:
    """`properties.revenue` is the revenue inside properties."""
    outer, _, inner = name.partition(".")
    if inner:
        document.setdefault(outer, {})[inner] = value
    else:
        document[name] = value


def _row_id(cells: dict[str, str], event_type: str) -> str:
    """The same row is the same event, however often it is sent and in whatever file it stands."""
    content = json.dumps([event_type, *sorted(cells.items())], ensure_ascii=False)
    return f"row-{blake2b(content.encode(), digest_size=16).hexdigest()}"


def _value(cells: dict[str, str], source: Source, is_time: bool) -> Any:
    """The value of a field, None if it is absent; raises ValueError in words without the value."""
    found: Any = source.value
    if source.column is not None:
        found = cells[source.column].strip() or None
    if found is not None and source.json_path is not None:
        found = _inside(found, source.json_path)
    if found is None:
        return None
    if source.template is not None:
        found = source.template.replace("{}", str(found))
    if is_time or source.time is not None:
        return _instant(str(found), source)
    return _converted(found, source)


def _inside(text: str, path: str) -> Any:
    document = read(text.encode())
    if isinstance(document, Rejected):
        raise ValueError("expected a JSON object in the column")
    found: Any = document
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return None if found == "" else found


def _instant(text: str, source: Source) -> str:
    try:
        return instant(text, source)
    except (ValueError, OverflowError, OSError):
        wanted = source.time or "RFC 3339"
        raise ValueError(f"expected a time ({wanted}) with an offset, or a zone in the mapping") from None


def _converted(found: Any, source: Source) -> Any:
    if source.convert == "number":
        return _number(str(found))
    if source.convert == "boolean":
        return _boolean(str(found))
    return str(found) if source.convert == "text" else found


def _number(text: str) -> int | float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("expected a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("expected a finite number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off"), False),
}


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.casefold())
    if value is None:
        raise ValueError("expected true or false")
    return value
