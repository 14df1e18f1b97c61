"""The `b2b` model on the twelve journeys worked by hand."""

import json

import pytest

from schemas.dead_letter import Rejected
from schemas.event import parse
from tests.reference.b2b.adapter import IMPLEMENTATIONS
from tests.reference.b2b.outcome import stage_at
from tests.scoring.b2b_journeys import COLLEAGUES, JOURNEYS, Journey

EACH = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
JOURNEY = pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.sentence)


@JOURNEY
def test_a_journey_is_made_of_events_of_the_contract(journey: Journey) -> None:
    read = [parse(json.dumps(event).encode()) for event in journey.events]
    assert [answer for answer in read if isinstance(answer, Rejected)] == []


@EACH
@JOURNEY
def test_each_step_of_a_journey_has_its_stage(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    found = [stage_at(outcome, step.at) for step in journey.steps]
    assert found == [step.stage for step in journey.steps]


@EACH
@JOURNEY
def test_each_step_of_a_journey_has_its_points(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    for step in journey.steps:
        score = outcome.score_at(step.at)
        assert step.score is None or round(score.total, 1) == step.score
        assert step.behaviour is None or round(score.behaviour, 1) == step.behaviour
        assert step.grade is None or score.grade == step.grade


@EACH
@JOURNEY
def test_an_mql_of_a_journey_says_what_holds_it(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    for step in journey.steps:
        if step.held is not None:
            assert outcome.held_at(step.at) == step.held


@EACH
@JOURNEY
def test_a_journey_has_its_handoffs_and_deadlines(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    found = [(h.at, h.lane, h.respond_by, h.may_email_marketing) for h in outcome.handoffs]
    assert found == list(journey.handoffs)
    assert [h.cycle for h in outcome.handoffs] == list(range(1, len(found) + 1))


@EACH
@JOURNEY
def test_a_journey_has_its_notices(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    named = {told.kind for told in journey.notices}
    found = [
        (n.at, n.kind, n.deadline)
        for n in outcome.notices
        if n.at <= journey.steps[-1].at
        and (n.kind != "handoff_overdue" or (n.kind in named and n.level == "queue_lead"))
    ]
    assert found == list(journey.notices)


@EACH
def test_colleagues_reach_the_same_queue(implementation: str) -> None:
    handoffs = [IMPLEMENTATIONS[implementation](events).handoffs for events in COLLEAGUES]
    assert [len(each) for each in handoffs] == [1, 1]
    assert handoffs[0][0].queue == handoffs[1][0].queue == "jp-sdr"
