"""W3C trace context in Kafka headers: which trace a record belongs to, from the edge into the handoff.

It travels beside the data and decides nothing. Part of the log, it is the same in a replay.
"""

import re
from collections.abc import Iterable
from typing import Final

HEADER: Final = "traceparent"

_VALID: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version 00 as https://www.w3.org/TR/trace-context/ has it; nothing else is believed, nor passed on."""


def valid(said: str | None) -> str | None:
    """What a sender says, if it is a trace context: anything else might be data of a person."""
    return said if said is not None and _VALID.fullmatch(said) else None


def of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The trace context that came with a record."""
    for name, value in headers:
        if name == HEADER:
            return valid(value.decode("ascii", "replace"))
    return None


def headers(traceparent: str | None) -> tuple[tuple[str, bytes], ...]:
    """The headers of a record of that trace; none outside of one, since each costs its reader time."""
    return () if traceparent is None else ((HEADER, traceparent.encode()),)
