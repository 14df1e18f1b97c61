"""A bug in scoring costs the records at which it shows, each a dead letter, and no other."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.changes import Halted, Record
from streams.lane import record
from streams.lane.suspicion import Suspected, Suspicion

TOPIC = "web-visits"


class Fragile:
    """Fails at some offsets, half way through a batch, as a core with a bug does."""

    def __init__(self, bad: frozenset[int]) -> None:
        self.bad = bad
        self.applied: list[int] = []
        self.refused: list[tuple[int, str]] = []

    def apply(self, topic: str, records: Sequence[Record], again: bool = False) -> Halted | None:
        for one in records:
            if one.offset in self.bad:
                raise ZeroDivisionError
            self.applied.append(one.offset)
        return None

    def refuse(self, topic: str, one: Record, detail: str) -> None:
        self.refused.append((one.offset, detail))


def records(first: int, following: int) -> list[Record]:
    return [record.Record(TOPIC, 0, offset, 0, b"k", b"v", []) for offset in range(first, following)]


def drive(suspicion: Suspicion, count: int, sizes: list[int], bad: frozenset[int]) -> tuple[Any, int]:
    """Apply all in batches of such sizes, from the start again at each failure; the partition and the failures."""
    failures = 0
    while True:
        fragile: Any = Fragile(bad)
        first = turn = 0
        try:
            while first < count:
                following = min(count, first + sizes[(turn + failures) % len(sizes)])
                suspicion.apply(fragile, TOPIC, records(first, following))
                first, turn = following, turn + 1
        except Suspected:
            failures += 1
            assert failures <= 3 * len(bad) + 3 + count
            continue
        return fragile, failures


@given(
    bad=st.frozensets(st.integers(0, 39), max_size=8),
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5),
)
def test_every_bad_record_is_refused_and_every_other_is_applied_in_order(
    bad: frozenset[int], sizes: list[int]
) -> None:
    fragile, _ = drive(Suspicion(), 40, sizes, bad)
    assert fragile.applied == [offset for offset in range(40) if offset not in bad]
    assert fragile.refused == [(offset, "ZeroDivisionError") for offset in sorted(bad)]


def test_one_bad_record_costs_two_restorations() -> None:
    assert drive(Suspicion(), 40, [40], frozenset({7}))[1] == 2


def test_a_record_that_fails_once_and_never_again_is_not_refused() -> None:
    suspicion = Suspicion()
    failing: Any = Fragile(frozenset({3}))
    with pytest.raises(Suspected) as found:
        suspicion.apply(failing, TOPIC, records(0, 10))
    assert found.value.guilty is None
    well: Any = Fragile(frozenset())
    suspicion.apply(well, TOPIC, records(0, 10))
    assert (len(well.applied), well.refused) == (10, [])


def test_lack_of_memory_is_not_the_records_fault() -> None:
    class Starved(Fragile):
        def apply(self, topic: str, records: Sequence[Record], again: bool = False) -> Halted | None:
            raise MemoryError

    suspicion = Suspicion()
    starved: Any = Starved(frozenset())
    for _ in range(3):
        with pytest.raises(MemoryError):
            suspicion.apply(starved, TOPIC, records(0, 1))
    well: Any = Fragile(frozenset())
    suspicion.apply(well, TOPIC, records(0, 1))
    assert well.refused == []


def test_what_is_durable_is_forgotten() -> None:
    suspicion = Suspicion()
    drive(suspicion, 10, [10], frozenset({4}))
    suspicion.settle({TOPIC: 10})
    fragile: Any = Fragile(frozenset())
    suspicion.apply(fragile, TOPIC, records(4, 5))
    assert fragile.applied == [4]
