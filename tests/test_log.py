"""What the score table's changelog says: what its meta record vouches for, and what came after it."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from streams import log, progress, topics
from streams.admin import Refused
from streams.lane.record import Record
from streams.lane.restore import LogReader
from streams.progress import Progress

META = progress.encode(Progress({topics.WEB_VISITS: 3}, 1, "at-least-once", 1, "m", "s", "p"))


class Given:
    """A log that holds what it was given."""

    def __init__(self, *entries: tuple[bytes, bytes | None]) -> None:
        self._entries = entries

    async def read(self, topic: str, partition: int, *_: Any) -> AsyncIterator[list[Record]]:
        for offset, (key, value) in enumerate(self._entries):
            yield [Record(topic, partition, offset, 0, key, value, [])]


async def stored(*entries: tuple[bytes, bytes | None], wanted: set[str] | None = None) -> log.Stored:
    return await log.stored(cast("LogReader", Given(*entries)), 0, wanted)


async def test_what_stands_after_the_last_meta_record_is_told_apart() -> None:
    found = await stored((b"a", b"1"), (b"b", b"1"), (progress.KEY, META), (b"a", b"2"), (b"b", None))
    assert found.records == {"a": b"1", "b": b"1"}
    assert found.after == {"a": b"2", "b": None}
    assert (found.newest("a"), found.newest("b"), found.newest("c")) == (b"2", None, None)
    assert found.everything() == {"a": b"2"}
    assert found.progress is not None
    assert found.progress.offsets == {topics.WEB_VISITS: 3}


async def test_a_deleted_record_is_gone_once_it_is_vouched_for() -> None:
    found = await stored((b"a", b"1"), (progress.KEY, META), (b"a", None), (progress.KEY, META))
    assert (found.records, found.after) == ({}, {})


async def test_only_the_wanted_leads_are_kept() -> None:
    found = await stored((b"a", b"1"), (b"b", b"1"), (progress.KEY, META), wanted={"b"})
    assert found.records == {"b": b"1"}


async def test_progress_of_a_later_format_is_refused() -> None:
    with pytest.raises(Refused, match="format 9"):
        await stored((progress.KEY, b"\x09"))


@pytest.mark.parametrize(
    ("value", "words"), [(b"\x09" + b"\0" * 20, "format 09"), (b"\x01" + b"\0" * 20, "damaged")]
)
def test_a_record_that_cannot_be_read_is_one_line_and_names_the_lead(value: bytes, words: str) -> None:
    with pytest.raises(Refused, match=f"^a1-x: .*{words}"):
        log.lead("a1-x", value)
