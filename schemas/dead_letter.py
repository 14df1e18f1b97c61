"""What is refused, and how a dead letter tells why: the value stays the raw bytes, everything else is headers.

A dead letter has the source record's key. Nothing in it depends on when it was written, so a repeat is identical
byte for byte, and no header carries a value out of the refused record.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self


class Reason(StrEnum):
    """Why a record was refused; also the label of the dead-letter metric, so names are never reused."""

    BAD_UTF8 = "bad_utf8"
    """The bytes are not UTF-8."""
    BAD_JSON = "bad_json"
    """The text is not one JSON object."""
    TOO_DEEP = "too_deep"
    """Arrays and objects are nested deeper than MAX_DEPTH."""
    NOT_REPRESENTABLE = "not_representable"
    """NaN, a number beyond a double, or an identity that is not Unicode text."""
    BAD_FIELD = "bad_field"
    """A field of the envelope is missing or of the wrong kind."""
    MISSING_IDENTITY = "missing_identity"
    """Nobody is named: no usable email, user_id or anonymous_id."""
    UNKNOWN_TYPE = "unknown_type"
    """The type is not one of the contract."""
    WRONG_TOPIC = "wrong_topic"
    """The type is not taken from this topic."""
    FUTURE = "future"
    """The event is dated later than it could have arrived."""
    NULL_VALUE = "null_value"
    """A tombstone on a topic of events."""
    OVERSIZE = "oversize"
    """The record is larger than an event may be."""
    UNDECODABLE_BATCH = "undecodable_batch"
    """The record batch cannot be read: an unknown codec, a bad checksum."""
    BAD_FORWARD = "bad_forward"
    """An internal record of `lead-forwards` cannot be read."""
    TOO_MANY_HOPS = "too_many_hops"
    """A forward was passed on more often than links between identities can explain."""
    FORBIDDEN_LINK = "forbidden_link"
    """A browser may not join two people or erase one."""
    SCORING_ERROR = "scoring_error"
    """The core failed on this event: a bug, never a silent skip."""
    CRM_REFUSED = "crm_refused"
    """A connector's receiver will never take this handoff; the header `connector` names it."""


class Rejected(NamedTuple):
    """A refusal as a value. `detail` names the field and what was expected, and never holds a value."""

    reason: Reason
    detail: str


class Headers(NamedTuple):
    """The headers of a dead letter. `source_timestamp` is the refused record's own, in Unix milliseconds."""

    reason: Reason
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp: int

    def encode(self) -> tuple[tuple[str, bytes], ...]:
        """As Kafka headers: names with hyphens, values in UTF-8."""
        return tuple((name.replace("_", "-"), str(value).encode()) for name, value in self._asdict().items())

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]]) -> Self | None:
        """Read the headers of a dead letter; None if one is missing or unreadable. Further ones are ignored."""
        text = {name: value.decode("utf-8", "replace") for name, value in headers}
        try:
            return cls(
                Reason(text["reason"]),
                text["detail"],
                text["source-topic"],
                int(text["source-partition"]),
                int(text["source-offset"]),
                int(text["source-timestamp"]),
            )
        except (KeyError, ValueError):
            return None
