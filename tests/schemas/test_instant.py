"""Instants: what is read, what is refused, and how they are written."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from schemas.instant import LAST_INSTANT, instant, milliseconds, rfc3339

NINE = timezone(timedelta(hours=9))


@given(st.integers(0, LAST_INSTANT))
def test_every_millisecond_is_written_and_read_back_exactly(at: int) -> None:
    text = rfc3339(at)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert milliseconds(instant(text)) == at


@given(st.integers(0, LAST_INSTANT - 86_400_000), st.integers(-1439, 1439))
def test_the_offset_does_not_change_the_instant(at: int, minutes: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    local = moment.astimezone(timezone(timedelta(minutes=minutes))) if at >= 86_400_000 else moment
    assert milliseconds(instant(local.isoformat())) == at
    assert instant(local).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T09:00:00+09:00", 0),
        ("1970-01-01 00:00:00.0014z", 1),
        ("1970-01-01t00:00:00.0016Z", 2),
        ("1970-01-01T00:00:00-0000", 0),
    ],
)
def test_the_forms_of_one_instant_are_read_alike(text: str, at: int) -> None:
    assert milliseconds(instant(text)) == at


@pytest.mark.parametrize(
    "wire",
    [
        *("", "now", "2026-11-02", "2026-11-02T01:00:00", "2026-11-02T01:00Z", "20261102T010000Z"),
        *("2026-02-30T00:00:00Z", "2026-11-02T24:00:00Z", "2026-11-02T01:00:00+24:00", " 2026-11-02T01:00:00Z"),
        *("1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z"),
        *(1_793_581_200, 1.5, True, None, [], datetime(2026, 11, 2)),
    ],
)
def test_what_is_no_instant_is_refused(wire: object) -> None:
    with pytest.raises(PydanticCustomError, match="RFC 3339"):
        instant(wire)


def test_a_time_in_code_is_taken_with_its_zone() -> None:
    assert instant(datetime(2026, 11, 2, 10, tzinfo=NINE)) == datetime(2026, 11, 2, 1, tzinfo=UTC)
