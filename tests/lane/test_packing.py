"""Flushes as Kafka batches: all of it, in order, whatever its size."""

import msgspec
import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from streams import order, topics
from streams.changes import Changes, Effect
from streams.lane.packing import BATCH_BYTES, Packer, size
from streams.order import Run

KEYS = st.none() | st.binary(max_size=8)
ITEMS = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=64)), max_size=30)


def unpacked(batches: list) -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]:  # type: ignore[type-arg]
    return [
        (record.key, record.value, list(record.headers))
        for batch in batches
        for record in MemoryRecords(bytes(batch._build())).next_batch()
    ]


@given(ITEMS, st.booleans())
def test_what_is_packed_is_what_was_given_in_order(
    given_items: list[tuple[bytes | None, bytes | None]], transactional: bool
) -> None:
    items = [(key, value, [("h", b"1")]) for key, value in given_items]
    assert unpacked(Packer(transactional).pack("any", items)) == items


def test_a_full_batch_is_followed_by_another() -> None:
    items: list = [(b"%d" % n, b"x" * 100_000, []) for n in range(12)]  # type: ignore[type-arg]
    batches = Packer(True).pack("any", items)
    assert len(batches) == 3
    assert all(batch.size() <= BATCH_BYTES for batch in batches)
    assert unpacked(batches) == items


@pytest.mark.parametrize("topic", [topics.LEAD_SCORES, topics.DEAD_LETTERS])
def test_a_record_larger_than_a_batch_has_one_of_its_own(topic: str) -> None:
    items: list = [(b"a", b"1", []), (b"b", b"x" * (BATCH_BYTES + 1), []), (b"c", b"2", [])]  # type: ignore[type-arg]
    assert unpacked(Packer(True).pack(topic, items)) == items


def test_effects_go_where_they_are_owed_and_the_meta_record_comes_last() -> None:
    noted = Effect("out", 3, b"k", b"3", (("h", b"v"),))
    effects = [Effect("out", 3, b"k", b"1"), Effect("out", 1, b"k", b"2"), noted]
    table: list[tuple[bytes, bytes | None]] = [(b"lead", b"state"), (b"gone", None)]
    packed = Packer(True).transaction(7, Changes(table, (b"meta", b"m"), b"o", effects, {"in": 5}, 3))
    assert [key for key, _, _ in unpacked(packed[topics.LEAD_SCORES, 7])] == [b"lead", b"gone", b"meta"]
    assert [value for _, value, _ in unpacked(packed["out", 3])] == [b"1", b"3"]
    assert unpacked(packed["out", 3])[1][2] == [("h", b"v")]
    assert [value for _, value, _ in unpacked(packed["out", 1])] == [b"2"]
    assert unpacked(packed[topics.LEAD_ORDER, 7]) == [(None, b"o", [])]


def test_a_flush_without_order_writes_no_order_record() -> None:
    packed = Packer(False).order(1, Changes([], (b"meta", b"m"), None, [], {}, 0))
    assert size(packed) == 0


def test_order_records_survive_the_trip_and_later_formats_are_refused() -> None:
    runs = [Run("a", 0, 5), Run("b", 9, 12)]
    assert order.decode(order.encode(runs)) == runs
    with pytest.raises(order.UnknownOrderFormat):
        order.decode(b"\x02" + order.encode(runs)[1:])
    with pytest.raises(msgspec.DecodeError):
        order.decode(order.encode(runs)[:-1])
