"""Instants on the wire: RFC 3339 with an offset, from 1970 to 9999, to the nearest millisecond.

A missing colon in the offset and a space for the `T` are read as well; a time without an offset is refused, since
nobody can say which instant it is.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from pydantic import AwareDatetime, BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
"""What the hot decoder reads: the same grammar as `instant`, by being the same code."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_INSTANT = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in Unix milliseconds: a later one cannot be written in RFC 3339."""
EXPECTED = "an RFC 3339 time with an offset, in the years 1970 to 9999"


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds of an aware time, rounded to the nearest."""
    return int(moment.timestamp() * 1000 + 0.5)


def rfc3339(at: int) -> str:
    """Unix milliseconds as UTC text with milliseconds: `2026-11-02T01:00:00.000Z`."""
    return (EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: Any) -> datetime:
    """The instant that a wire value means, in UTC and whole milliseconds; raises what pydantic reports."""
    moment: datetime | None
    if isinstance(text, datetime):  # a model built in code rather than read from the wire
        moment = text
    else:
        try:
            moment = msgspec.convert(text, Zoned) if isinstance(text, str) else None
        except msgspec.ValidationError:
            moment = None
    if moment is None or moment.tzinfo is None:
        raise PydanticCustomError("instant", EXPECTED)
    at = milliseconds(moment)
    if not 0 <= at <= LAST_INSTANT:
        raise PydanticCustomError("instant", EXPECTED)
    return EPOCH + timedelta(milliseconds=at)


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(instant),
    PlainSerializer(lambda moment: rfc3339(milliseconds(moment)), return_type=str, when_used="json"),
]
"""A field that holds an instant; it is written in UTC with milliseconds."""
