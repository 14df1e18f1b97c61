"""Where a partition stands: lag, and how far time has come."""

from hypothesis import given
from hypothesis import strategies as st

from streams.lane.positions import Positions
from streams.lane.redo import joined
from streams.order import Run

CHECKED = 1_000_000


def seated(**ends: int) -> Positions:
    positions = Positions(ends)
    positions.seat(dict.fromkeys(ends, 0), ends)
    return positions


def test_time_has_come_to_the_last_look_when_nothing_is_unread() -> None:
    assert seated(a=0, b=0).horizon(CHECKED) == CHECKED


def test_time_stands_at_the_last_applied_record_of_a_topic_with_unread_ones() -> None:
    positions = seated(a=10, b=0)
    positions["a"].applied_at = 500
    positions["a"].applied_to = positions["a"].read_to = 5
    assert positions.horizon(CHECKED) == 500


def test_time_is_unknown_before_the_first_of_unread_records_is_applied() -> None:
    assert seated(a=10, b=0).horizon(CHECKED) is None


def test_a_queued_batch_and_a_halted_topic_count_as_unread() -> None:
    positions = seated(a=0)
    positions["a"].applied_at = 300
    positions["a"].queued = 1
    assert positions.horizon(CHECKED) == 300
    positions["a"].queued = 0
    positions["a"].halted = True
    assert positions.horizon(CHECKED) == 300
    assert positions.halted == ["a"]


def test_transaction_markers_that_were_passed_are_no_lag() -> None:
    positions = seated(a=11)
    positions["a"].applied_to = 10
    assert positions.unapplied == 1
    positions["a"].read_to = 11
    assert positions.unapplied == 0


def test_what_was_queued_is_forgotten_once() -> None:
    positions = seated(a=5)
    positions["a"].queued, positions["a"].queued_bytes = 2, 100
    assert positions.forget_queued() == 100
    assert positions.forget_queued() == 0
    assert positions["a"].queued == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3)), max_size=20))
def test_joined_runs_cover_the_same_records_in_the_same_order(steps: list[tuple[str, int]]) -> None:
    runs, at = [], {"a": 0, "b": 0}
    for topic, length in steps:
        runs.append(Run(topic, at[topic], at[topic] + length))
        at[topic] += length

    def records(of: list[Run]) -> list[tuple[str, int]]:
        return [(run.topic, offset) for run in of for offset in range(run.first, run.following)]

    assert records(joined(runs)) == records(runs)
    assert all(one.topic != other.topic for one, other in zip(joined(runs), joined(runs)[1:], strict=False))
