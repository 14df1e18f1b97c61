from hypothesis import given
from hypothesis import strategies as st

from streams.connectors.gate import CEILING_S, FAILURES_TO_OPEN, MOST_S, Gate, backoff


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_back_off_grows_and_never_past_its_limit(attempt: int, chance: float) -> None:
    assert 0 < backoff(attempt, chance) <= MOST_S
    assert backoff(attempt, chance) <= backoff(attempt + 1, chance)


def test_one_failure_is_the_events_and_several_in_a_row_are_the_receivers() -> None:
    gate = Gate(4, None)
    for _ in range(FAILURES_TO_OPEN - 1):
        gate.failed(0.0, 0.0)
    assert gate.places(0, 0.0) == 4
    gate.failed(0.0, 0.0)
    assert gate.places(0, 0.0) == 0


def test_after_the_wait_one_delivery_decides() -> None:
    gate = Gate(4, None)
    gate.trip(0.0, 10.0, 0.0)
    assert gate.places(0, 9.9) == 0
    assert gate.places(0, 10.0) == 1
    assert gate.places(1, 10.0) == 0
    gate.succeeded()
    assert gate.places(0, 10.0) == 4


def test_a_receiver_that_stays_away_is_asked_less_and_less_often() -> None:
    gate = Gate(1, None)
    waits, now = [], 0.0
    for _ in range(5):
        gate.trip(now, None, 0.0)
        waits.append(gate.until - now)
        now = gate.until
    assert waits == sorted(waits)
    assert waits[-1] > 10 * waits[0]


def test_deliveries_on_their_way_when_it_opens_count_once() -> None:
    gate = Gate(8, None)
    gate.trip(0.0, None, 0.0)
    once = gate.until
    for _ in range(7):
        gate.trip(0.0, None, 0.0)
    assert gate.until == once


def test_a_wait_that_the_receiver_asks_for_is_believed_up_to_an_hour() -> None:
    gate = Gate(1, None)
    gate.trip(0.0, 120.0, 0.0)
    assert gate.until >= 120.0
    gate.succeeded()
    gate.trip(0.0, 1e9, 1.0)
    assert gate.until <= CEILING_S * 1.1


def test_a_rate_spaces_deliveries() -> None:
    gate = Gate(4, 10.0)
    gate.started(1, 0.0)
    assert gate.places(1, 0.05) == 0
    assert gate.places(1, 0.1) == 3
