"""When an event happened, by the collector's clock. All instants are Unix milliseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from schemas.instant import rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SECONDS_BELOW = 100_000_000_000
"""A bare number below this is in seconds (as milliseconds it would be before March 1973)."""
_MILLISECONDS = [f".{number:03d}Z" for number in range(1000)]


def parse_instant(value: object) -> int | None:
    """Milliseconds of ISO 8601 text (UTC unless it says otherwise) or of a Unix number; None if it is neither."""
    if type(value) is str:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        return (instant - _EPOCH) // _MILLISECOND
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value * 1000 if abs(value) < _SECONDS_BELOW else value)
    return None


def corrected(original: int | None, sent: int | None, received: int) -> int:
    """The event's time with the client's clock error removed: received - (sent - original).

    Without `sent` the client's time is taken as it is; without `original` the event happened when it arrived.
    """
    if original is None:
        return received
    return original if sent is None else received - (sent - original)


def instant_text(instant: int) -> str:
    """RFC 3339 in UTC with milliseconds, as the contract writes it. Seconds are remembered: events cluster."""
    second, millisecond = divmod(instant, 1000)
    return _second_text(second) + _MILLISECONDS[millisecond]


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    return rfc3339(second * 1000)[:-5]
