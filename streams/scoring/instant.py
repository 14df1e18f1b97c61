"""Instants and spans of time: int Unix milliseconds inside, RFC 3339 in UTC on the wire."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1)

NEVER: Final = 0
"""Stands for "no such instant" where a record keeps one; no event is dated at the epoch's first millisecond."""


@lru_cache(maxsize=4_096)
def rfc3339(at: int) -> str:
    """An instant as `2026-11-02T01:00:00.000Z`, always with milliseconds."""
    return f"{(_EPOCH + timedelta(milliseconds=at)).isoformat(timespec='milliseconds')}Z"


def span(ms: int) -> str:
    """A span in the largest unit that fits, as a model file would say it: `30d`, `8h`, `90s`."""
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if ms % size == 0 and ms >= size:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def milliseconds(text: str) -> int:
    """The instant that `rfc3339` wrote."""
    moment = datetime.fromisoformat(text)
    return round(moment.timestamp() * 1000)


def moment(text: str | None, zone_name: str) -> int:
    """The instant that a person's date or time means, in this zone unless it says another; NEVER for none."""
    try:
        found = datetime.fromisoformat((text or "").strip())
        found = found.replace(tzinfo=zone(zone_name)) if found.tzinfo is None else found
        since = found - _EPOCH.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return NEVER
    return max(since // timedelta(milliseconds=1), NEVER)


@lru_cache(maxsize=8)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_day(at: int, zone_name: str) -> int:
    """The day of an instant on the clocks of a time zone, as a count of days."""
    return datetime.fromtimestamp(at / 1000, zone(zone_name)).toordinal()
