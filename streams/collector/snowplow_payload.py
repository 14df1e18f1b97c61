"""Snowplow's tracker protocol as it arrives: short names and texts, some of which hold JSON, plain or as base64.

https://docs.snowplow.io/docs/sources/trackers/snowplow-tracker-protocol/
"""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from schemas.dead_letter import Reason, Rejected
from schemas.document import read
from streams.collector.message import MAX_MESSAGE

Fields = Mapping[str, str]
Object = Mapping[str, object]

MAX_EVENTS = 1000
"""Events of one request; trackers send ten, or what they kept while they were offline."""

_NOTHING: Object = {}
_IDENTITIES = frozenset({"eid", "uid", "duid", "nuid", "tnuid", "sid"})


class Batch(msgspec.Struct):
    """What is posted: the schema says how the texts are named and has had one form since 2016."""

    data: list[msgspec.Raw]


class SelfDescribing(NamedTuple):
    """An event or an entity that names its schema: `iglu:vendor/name/format/version`."""

    schema: str
    data: Object

    @property
    def name(self) -> str:
        """The schema's name without vendor and version."""
        parts = self.schema.removeprefix("iglu:").split("/")
        return parts[1] if len(parts) > 1 else self.schema


_batch = msgspec.json.Decoder(Batch)
_fields = msgspec.json.Decoder(dict[str, str | int | float | bool | None])


def parse_batch(raw: bytes) -> list[bytes] | Rejected:
    """The raw events of a posted body, or why it is none."""
    try:
        found = [bytes(element) for element in _batch.decode(raw).data]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        careful = _careful_batch(raw)
        if isinstance(careful, Rejected):
            return careful
        found = careful
    if len(found) > MAX_EVENTS:
        return Rejected(Reason.OVERSIZE, f"a request holds at most {MAX_EVENTS} events")
    return found


def _careful_batch(raw: bytes) -> list[bytes] | Rejected:
    """The contract's own reader says what is wrong, and mends text that was cut in the middle of a character."""
    document = read(raw)
    if isinstance(document, Rejected):
        return document
    listed = document.get("data")
    if not isinstance(listed, list):
        return Rejected(Reason.BAD_JSON, "expected a JSON object with a list named data")
    return [msgspec.json.encode(element) for element in listed]


def parse_fields(raw: bytes) -> Fields | Rejected:
    """One event's texts by their short names. Numbers count as texts; what is empty is absent.

    A mended identity is absent as well: two damaged texts must not become one person.
    """
    if len(raw) > MAX_MESSAGE * 2:  # base64 and a page's address make these longer than they are
        return Rejected(Reason.OVERSIZE, f"an event is at most {MAX_MESSAGE * 2} bytes")
    try:
        found = _fields.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Rejected(Reason.BAD_JSON, "expected an object of texts")
    texts = {name: str(value) for name, value in found.items() if value is not None and value != ""}
    return {name: text for name, text in texts.items() if name not in _IDENTITIES or "\ufffd" not in text}


def embedded(fields: Fields, plain: str, encoded: str) -> Object | Rejected:
    """The JSON object in one of two fields, the second in base64; an empty one if neither is there."""
    if plain in fields:
        return read(fields[plain].encode(errors="replace"))
    if encoded not in fields:
        return _NOTHING
    try:
        return read(urlsafe_b64decode(_url_alphabet(fields[encoded]) + "==="))
    except (Base64Error, ValueError):
        return Rejected(Reason.BAD_FIELD, f"{encoded}: expected base64")


def _url_alphabet(text: str) -> str:
    return text.replace("+", "-").replace("/", "_").replace(" ", "-").rstrip("=")


def self_describing(found: object) -> SelfDescribing | None:
    """An object that names its schema; None if it does not."""
    if not isinstance(found, dict):
        return None
    schema, data = found.get("schema"), found.get("data")
    if not isinstance(schema, str):
        return None
    return SelfDescribing(schema, data if isinstance(data, dict) else {})


def entities(fields: Fields) -> Iterator[SelfDescribing]:
    """What the event is accompanied by. Context that cannot be read is no reason to lose the event."""
    outer = embedded(fields, "co", "cx")
    listed = outer.get("data") if not isinstance(outer, Rejected) else None
    for element in listed if isinstance(listed, list) else []:
        found = self_describing(element)
        if found is not None:
            yield found
