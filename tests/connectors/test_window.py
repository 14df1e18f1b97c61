from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.connectors.window import Entry, Window

RECORDS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([b"a", b"b", b"c"])), max_size=30)


def test_events_of_one_lead_go_one_after_the_other() -> None:
    window: Window[str] = Window()
    for offset, key in enumerate([b"a", b"a", b"b"]):
        window.add(0, offset, key, f"{offset}")

    first = window.take(10, 0.0)
    assert [entry.offset for entry in first] == [0, 2]
    assert window.take(10, 0.0) == []

    window.finish(first[0])
    assert [entry.offset for entry in window.take(10, 0.0)] == [1]


def test_a_position_never_passes_what_is_not_done() -> None:
    window: Window[str] = Window()
    for offset in range(3):
        window.add(0, offset, bytes([offset]), "")
    taken = window.take(3, 0.0)

    window.finish(taken[1])
    assert window.positions() == {0: 0}
    window.finish(taken[0])
    assert window.positions() == {0: 2}
    window.finish(taken[2])
    assert window.positions() == {0: 3}


def test_a_postponed_event_holds_its_lead_until_it_is_due() -> None:
    window: Window[str] = Window()
    window.add(0, 0, b"a", "")
    window.add(0, 1, b"a", "")
    window.retry(window.take(1, 0.0)[0], 5.0)

    assert window.take(9, 4.9) == []
    assert window.due() == 5.0
    assert [entry.offset for entry in window.take(9, 5.0)] == [0]


def test_what_comes_back_for_a_partition_that_left_changes_nothing() -> None:
    window: Window[str] = Window()
    window.add(0, 0, b"a", "")
    window.add(1, 0, b"a", "")
    gone, kept = window.take(2, 0.0)
    window.drop({0})
    window.finish(gone)
    window.retry(gone, 1.0)

    assert window.positions() == {1: 0}
    window.finish(kept)
    assert window.positions() == {1: 1}


def test_a_partition_that_comes_back_is_read_from_where_it_was_committed() -> None:
    window: Window[str] = Window()
    window.add(0, 7, b"a", "")
    window.drop({0})
    window.add(0, 5, b"a", "")
    assert window.positions() == {0: 5}


def test_an_event_that_failed_often_comes_alone() -> None:
    window: Window[str] = Window()
    for offset in range(3):
        window.add(0, offset, bytes([offset]), "")
    suspect = window.take(1, 0.0)[0]
    suspect.attempts = 2
    window.retry(suspect, 1.0)

    assert [entry.offset for entry in window.take(9, 1.0, 2)] == [1, 2]
    assert [entry.offset for entry in window.take(9, 1.0, 2)] == [0]


@given(RECORDS, st.data())
def test_whatever_fails_and_whenever_each_lead_keeps_its_order_and_nothing_is_lost(
    records: list[tuple[int, bytes]], data: Any
) -> None:
    window: Window[int] = Window()
    offsets: dict[int, int] = defaultdict(int)
    for number, (partition, key) in enumerate(records):
        window.add(partition, offsets[partition], key, number)
        offsets[partition] += 1
    done: dict[tuple[int, bytes | None], list[int]] = defaultdict(list)
    busy: list[Entry[int]] = []
    now = 0.0
    while len(window):
        busy += window.take(data.draw(st.integers(1, 5)), now)
        lanes = [(entry.partition, entry.key) for entry in busy]
        assert len(lanes) == len(set(lanes))
        now += 1.0
        if busy:
            entry = busy.pop(data.draw(st.integers(0, len(busy) - 1)))
            if data.draw(st.booleans()):
                window.retry(entry, now + 2.0)
            else:
                window.finish(entry)
                done[entry.partition, entry.key].append(entry.offset)
    assert all(found == sorted(found) for found in done.values())
    assert sum(map(len, done.values())) == len(records)
    assert window.positions() == dict(offsets)
