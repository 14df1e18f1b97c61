"""The `published` model gives exactly the source's numbers: on journeys worked by hand, and on random ones."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from tests.reference import published
from tests.reference.adapter import IMPLEMENTATIONS, outcome_of
from tests.reference.journeys import drawn, in_order, journeys, smallest
from tests.reference.outcome import Event, stage_at
from tests.scoring.journey import Journey
from tests.scoring.points_journeys import POINTS, TIME, VISITS
from tests.scoring.stages_journeys import IDENTITY, RECORD, SALES, SQL_AGAIN

JOURNEYS = [*POINTS, *VISITS, *TIME, *IDENTITY, *SALES, *RECORD]
RANDOM_JOURNEYS = 3000


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.sentence)
def test_a_journey_worked_by_hand(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    assert [(move.at, move.entered, move.cause) for move in outcome.moves] == list(journey.moves)
    assert [move.left for move in outcome.moves] == ["visitor", *(stage for _, stage, _ in journey.moves)][:-1]
    for instant, (score, stage) in journey.expected.items():
        assert outcome.score_at(instant) == score
        assert stage_at(outcome, instant) == stage


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.sentence)
def test_the_contributions_of_a_journey_sum_to_its_score(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    for instant, (score, _) in journey.expected.items():
        assert sum(contribution.points for contribution in outcome.contributions_at(instant)) == score


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_each_sql_is_a_handoff_with_the_next_cycle(implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](SQL_AGAIN)
    entries = [move.at for move in outcome.moves if move.entered == "sql"]
    assert list(outcome.handoffs) == [(1, entries[0]), (2, entries[1])]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_a_contribution_names_the_event_that_dates_it(implementation: str) -> None:
    journey = next(j for j in JOURNEYS if j.sentence.endswith("exactly the forty of an SQL"))
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    found = [(c.points, c.event_id) for c in outcome.contributions_at(max(journey.expected))]
    assert found == [(10, "v3"), (20, "w"), (5, "o1"), (5, "o2")]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(journeys())
def test_the_reference_knows_neither_order_nor_repetition(events: list[Event]) -> None:
    arrived, ordered = published.outcome(events), published.outcome(in_order(events))
    assert arrived == ordered


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(journeys())
def test_time_alone_only_moves_the_reference_down(events: list[Event]) -> None:
    outcome = published.outcome(events)
    ticks = [move for move in outcome.moves if move.cause == "tick"]
    assert all((move.left, move.entered) == ("mql", "lead") for move in ticks)
    assert all(outcome.score_at(move.at - 1) >= published.MQL_LEAVES for move in ticks)


def instants(reference: published.Published) -> list[int]:
    """The newest event's instant, and just before and at each end of the points alive then."""
    newest = reference.facts[-1].at
    ends = [c.at + published.KEEPS for c in reference.contributions_at(newest)]
    return sorted({newest, *ends, *(end - 1 for end in ends)})


def points_differ(events: list[Event]) -> bool:
    """Whether the two disagree on points from the newest event on; the core takes the events as they come."""
    core, reference = outcome_of(events), published.outcome(events)
    return any(
        core.score_at(now) != reference.score_at(now)
        or core.contributions_at(now) != reference.contributions_at(now)
        for now in instants(reference)
    )


def histories_differ(events: list[Event]) -> bool:
    """Whether they disagree on moves, handoffs or points; the core takes the events in order of time."""
    ordered = in_order(events)
    core, reference = outcome_of(ordered), published.outcome(ordered)
    return core.moves != reference.moves or core.handoffs != reference.handoffs or points_differ(ordered)


def compare(differ: Callable[[list[Event]], bool], **options: bool) -> None:
    for seed in range(RANDOM_JOURNEYS):
        events = drawn(seed, **options)
        if differ(events):
            least = smallest(events, differ)
            core, reference = outcome_of(least), published.outcome(least)
            pytest.fail(f"seed {seed}: {least}\ncore      {core.moves}\nreference {reference.moves}")


def test_the_core_gives_the_history_of_the_reference_on_thousands_of_random_journeys() -> None:
    compare(histories_differ)


def test_the_core_gives_the_points_of_the_reference_in_any_order_of_arrival() -> None:
    """Without feedback: whether an answer meets a handoff depends on what had arrived before it."""
    compare(points_differ, feedback=False)
