"""A file of events without Kafka: in the order in which they happened, whatever the order of its lines."""

import gzip
import random
from pathlib import Path

import pytest

from streams.replay import file
from streams.scoring.instant import DAY, HOUR
from tests.replay.recorded import NOON, document, terms

JANE = {"email": "jane@example.com"}
LINES = [
    document("form_submitted", "1", NOON, **JANE, form_type="whitepaper"),
    document("sales_contacted", "2", NOON + HOUR, **JANE),
    document("handoff_rejected", "3", NOON + DAY, **JANE, reason="timing"),
    document("page_viewed", "4", NOON, anonymous_id="nobody"),
    document("form_submitted", "5", NOON + 2 * HOUR, email="joe@example.com", form_type="whitepaper"),
    document("email_opened", "6", NOON + 60 * DAY, email="other@example.com"),
]


def ignore(_: int) -> None:
    pass


def replayed(path: Path, lines: list[bytes]) -> file.Result:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return file.run(path, terms(), ignore, ignore)


def test_a_file_gives_its_funnel_and_its_handoffs_with_reasons(tmp_path: Path) -> None:
    found = replayed(tmp_path / "events.jsonl", LINES)
    assert found.events == len(LINES)
    assert found.reached == {"lead": 3, "mql": 2, "recycled": 1, "sql": 1}
    (handed,) = found.handoffs
    assert (handed.score, handed.occurred_at) == (50.0, "2026-11-02T13:00:00.000Z")
    assert handed.reason == "Spoke with a salesperson (2 Nov), downloaded a whitepaper (2 Nov)"
    assert found.refused == {}


def test_time_passes_in_a_file_too(tmp_path: Path) -> None:
    """Joe's only points end after thirty days: at the file's end, sixty days on, he is a lead again."""
    found = replayed(tmp_path / "events.jsonl", LINES)
    assert found.leads == {"visitor": 1, "lead": 3}


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_lines_does_not_matter(tmp_path: Path, seed: int) -> None:
    shuffled = list(LINES)
    random.Random(seed).shuffle(shuffled)
    assert replayed(tmp_path / "a", shuffled) == replayed(tmp_path / "b", LINES)


def test_a_packed_file_is_read_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(LINES)))
    assert file.run(path, terms(), ignore, ignore).events == len(LINES)


def test_lines_that_are_no_events_are_named_and_the_others_replayed(tmp_path: Path) -> None:
    found = replayed(tmp_path / "events.jsonl", [*LINES, b"{", b"", b'{"event_id": "x"}'])
    assert found.events == len(LINES)
    assert [mistake.line for mistake in found.mistakes] == [7, 9]
    assert sum(found.refused.values()) == 2
