"""Instants as people write them."""

import pytest

from streams.scoring.instant import NEVER, milliseconds, moment, rfc3339, span


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-02", "2026-11-02T00:00:00.000Z"),
        ("2026-11-02T10:00", "2026-11-02T10:00:00.000Z"),
        (" 2026-11-02T10:00:00+09:00 ", "2026-11-02T01:00:00.000Z"),
        ("2026-11-02T01:00:00.5Z", "2026-11-02T01:00:00.500Z"),
    ],
)
def test_a_date_or_time_is_read_as_utc_unless_it_says_otherwise(text: str, instant: str) -> None:
    assert rfc3339(moment(text, "UTC")) == instant


@pytest.mark.parametrize("text", [None, "", "soon", "1850-01-01", "2026-13-40", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_date_means_no_instant(text: str | None) -> None:
    assert moment(text, "UTC") == NEVER


@pytest.mark.parametrize("at", [0, 1, 999, 1_770_000_000_123, 253_402_300_799_999])
def test_an_instant_survives_being_written_and_read(at: int) -> None:
    assert milliseconds(rfc3339(at)) == at


@pytest.mark.parametrize(("ms", "words"), [(86_400_000, "1d"), (90_000, "90s"), (5_400_000, "90m"), (1, "1ms")])
def test_a_span_is_said_as_a_model_file_would(ms: int, words: str) -> None:
    assert span(ms) == words
