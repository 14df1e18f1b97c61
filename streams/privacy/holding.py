"""What the topics hold about a person: every record under one of the person's keys, or that names the person."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from streams import log, topics
from streams.changes import Record
from streams.identity import forward
from streams.identity.keys import Secret, lead_keys
from streams.inquiry import KEY
from streams.lane.restore import LogReader
from streams.log import Advance
from streams.privacy.person import Person
from streams.scoring.lead import Lead
from streams.settings import Settings

SEARCHED: Final = (
    *topics.INPUTS,
    topics.LEAD_FORWARDS,
    topics.LEAD_FORWARDS_SHADOW,
    topics.LEAD_TRANSITIONS,
    topics.ACCOUNT_ACTIVITIES,
    topics.SALES_HANDOFFS,
    topics.SALES_HANDOFFS_SHADOW,
    topics.LEAD_TRANSITIONS_SHADOW,
    topics.LEAD_SCORES_SHADOW,
    topics.DEAD_LETTERS,
)
"""All that may hold a person's data beside the score table."""

FORWARDS: Final = frozenset({topics.LEAD_FORWARDS, topics.LEAD_FORWARDS_SHADOW})

COUNTED: Final = frozenset({"seen", "owed"})
"""Of a record what is no data of a person: digests of event ids, and what is on its way elsewhere."""


class _Named(msgspec.Struct):
    email: Any = None
    user_id: Any = None
    anonymous_id: Any = None


_named: Final = msgspec.json.Decoder(_Named)


class Matcher:
    """Knows a record about a person from all others."""

    def __init__(self, person: Person, secret: Secret) -> None:
        self._keys = frozenset(key.encode() for key in person.keys)
        self._addresses = [address.encode() for address in person.addresses]
        self._secret = secret

    def means(self, record: Record) -> bool:
        """Whether a record is about the person: by its key, by an address in it, or by what its event says."""
        value = record.value or b""
        if record.key in self._keys or any(key in value for key in self._keys):
            return True
        lowered = value.lower() if self._addresses else b""
        if any(address in lowered for address in self._addresses):
            return True
        keyed = record.key is not None and KEY.fullmatch(record.key.decode("ascii", "replace")) is not None
        return not keyed and self._named(value)

    def _named(self, value: bytes) -> bool:
        """Whoever may write any key is known by the identities in the event."""
        try:
            told = _named.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        email, user, device = (_text(name) for name in (told.email, told.user_id, told.anonymous_id))
        return any(key.encode() in self._keys for key in lead_keys(email, user, device, self._secret))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


async def length(reader: LogReader, counts: Mapping[str, int]) -> int:
    """Offsets that a search goes through, for a bar."""
    total = 0
    for topic, count in counts.items():
        for number in range(count):
            first, end = await reader.bounds(topic, number)
            total += end - first
    return total


async def search(
    reader: LogReader, counts: Mapping[str, int], matcher: Matcher, advance: Advance
) -> dict[str, list[dict[str, Any]]]:
    """The records about a person, by topic, in the order of the log; only topics that hold any."""
    held: dict[str, list[dict[str, Any]]] = {}
    for topic, count in counts.items():
        for number in range(count):
            async for batch in reader.read(topic, number):
                advance(len(batch))
                held.setdefault(topic, []).extend(_told(record) for record in batch if matcher.means(record))
    return {topic: records for topic, records in held.items() if records}


def _told(record: Record) -> dict[str, Any]:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers or ()}
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": None if record.key is None else record.key.decode("utf-8", "replace"),
        "headers": headers,
        "value": _value(record),
    }


def _value(record: Record) -> Any:
    """JSON as JSON, the pipeline's own format as what it says, all else as text."""
    if record.topic in FORWARDS and (message := forward.decode(record.value)) is not None:
        return {"message": type(message).__name__, **plain(message)}
    value, key = record.value or b"", (record.key or b"").decode("utf-8", "replace")
    if record.topic == topics.LEAD_SCORES_SHADOW and value and KEY.fullmatch(key):
        return plain(log.lead(key, value))
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value.decode("utf-8", "replace")


def plain(found: Any) -> Any:
    """A record with the names of its fields; instants in Unix milliseconds."""
    if isinstance(found, msgspec.Struct):
        named = {name: getattr(found, name) for name in found.__struct_fields__ if name not in COUNTED}
        return {name: plain(value) for name, value in named.items() if value not in ((), {}, [], None, "")}
    if isinstance(found, Mapping):
        return {str(name): plain(value) for name, value in found.items()}
    if isinstance(found, bytes):
        try:
            return json.loads(found)
        except ValueError:
            return found.hex()
    if isinstance(found, str) or not isinstance(found, Iterable):
        return found
    return [plain(value) for value in found]


async def record_of(settings: Settings, person: Person) -> dict[str, Any]:
    """The live record of each of the person's keys that has one. Raises Unreachable, Refused."""
    held: dict[str, Any] = {}
    async with log.opened(settings) as reader:
        count = log.partitions(settings)
        for number in range(count):
            stored = await log.stored(reader, number, person.keys)
            for key in person.keys:
                if (value := stored.newest(key)) is not None:
                    lead: Lead = log.lead(key, value)
                    held[key] = {"stage": lead.stage.word, **plain(lead)}
    return held
