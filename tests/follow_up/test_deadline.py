"""By when somebody must have been in contact, and what follows if nobody was."""

import pytest

from schemas.follow_up import Lane
from streams.follow_up.deadline import Deadlines
from streams.follow_up.model import FollowUp
from streams.follow_up.route import Company
from streams.follow_up.segment import Urgency
from streams.scoring.instant import rfc3339
from tests.follow_up.example import at, compiled

MODEL: FollowUp = compiled()


def deadlines(country: str, arrival: str, lane: Lane, urgency: Urgency | None = None) -> Deadlines:
    route = MODEL.route(Company(country=country), lane, "lead")
    assert route is not None
    found = MODEL.deadlines(route, at(arrival), lane, *([urgency] if urgency else []))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arrival", "lane", "respond_by"),
    [
        ("2026-11-09T02:00Z", "score", "2026-11-10T01:00"),
        ("2026-11-03T01:00Z", "score", "2026-11-04T08:00"),
        ("2026-11-22T01:00Z", "score", "2026-11-24T08:00"),
        ("2026-11-04T01:00Z", "request", "2026-11-04T02:00"),
        ("2026-11-20T08:30Z", "request", "2026-11-24T00:30"),
        ("2026-11-02T01:00Z", "review", "2026-11-02T09:00"),
    ],
)
def test_requests_are_due_in_one_business_hour_and_others_in_eight(
    arrival: str, lane: Lane, respond_by: str
) -> None:
    assert rfc3339(deadlines("JP", arrival, lane).respond_by)[:16] == respond_by


def overdue_path(country: str, arrival: str, lane: Lane) -> list[str]:
    found = deadlines(country, arrival, lane)
    assert [escalation.to for escalation in found.escalations] == ["queue_lead", "manager"]
    assert found.gives_up is not None
    return [
        rfc3339(moment)[:16] for moment in (found.respond_by, *(e.at for e in found.escalations), found.gives_up)
    ]


def test_the_overdue_path_in_tokyo_over_a_weekend_and_a_holiday() -> None:
    """Friday 17:30 before a weekend and Labour Thanksgiving Day."""
    assert overdue_path("JP", "2026-11-20T08:30Z", "request") == [
        "2026-11-24T00:30",  # Tuesday 9:30: due, and the queue's lead hears of it
        "2026-11-24T00:30",
        "2026-11-24T08:30",  # 17:30: eight hours later, the manager
        "2026-12-04T09:00",  # the close of the tenth business day, Friday being the first
    ]


def test_the_overdue_path_in_berlin_over_easter_and_into_summer_time() -> None:
    """Thursday 17:30 in Berlin before Good Friday and Easter Monday."""
    assert overdue_path("DE", "2026-04-02T15:30Z", "score") == [
        "2026-04-07T14:30",  # Tuesday 16:30
        "2026-04-07T14:30",
        "2026-04-08T13:30",
        "2026-04-17T16:00",
    ]
    # Friday 17:30 in winter time; on Sunday the clocks go forward.
    assert overdue_path("DE", "2026-03-27T16:30Z", "request") == [
        "2026-03-30T07:30",
        "2026-03-30T07:30",
        "2026-03-30T15:30",
        "2026-04-13T16:00",
    ]


def test_a_lead_nobody_works_on_is_taken_back_at_the_close_of_the_tenth_business_day() -> None:
    gives_up = deadlines("JP", "2026-11-03T01:00Z", "score").gives_up
    assert gives_up is not None
    assert rfc3339(gives_up)[:16] == "2026-11-17T09:00"


def test_a_review_is_not_given_up() -> None:
    assert deadlines("JP", "2026-11-02T01:00Z", "review").gives_up is None


def test_the_hours_are_those_of_the_queue() -> None:
    assert rfc3339(deadlines("US", "2026-11-02T01:00Z", "request").respond_by)[:16] == "2026-11-02T15:00"


def test_a_priority_makes_a_deadline_shorter_and_never_longer() -> None:
    arrival = "2026-11-04T00:00Z"
    assert rfc3339(deadlines("JP", arrival, "score", Urgency("high", 4)).respond_by)[:16] == "2026-11-04T04:00"
    assert rfc3339(deadlines("JP", arrival, "request", Urgency("high", 4)).respond_by)[:16] == "2026-11-04T01:00"
