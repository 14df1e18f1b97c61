"""The time of an event by the collector's clock."""

import pytest

from streams.collector.event_time import corrected, parse_instant


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T09:00:00+09:00", 0),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01 00:00:01", 1000),
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000_123, 1_700_000_000_123),
        (1_700_000_000.5, 1_700_000_000_500),
        ("yesterday", None),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_iso_text_and_unix_numbers_are_instants_and_nothing_else_is(value: object, instant: int | None) -> None:
    assert parse_instant(value) == instant


def test_the_age_at_sending_counts_from_the_arrival() -> None:
    assert corrected(original=50, sent=80, received=1000) == 970
    assert corrected(original=50, sent=None, received=1000) == 50
    assert corrected(original=None, sent=80, received=1000) == 1000
