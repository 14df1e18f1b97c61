"""What a lead asks for while sales has it is looked at by somebody when sales then lets the lead lie."""

from typing import Any

import pytest

from streams import topics, transition
from streams.local import Local
from streams.transition import Transition
from tests.laboratory import terms_of
from tests.reference.b2b.adapter import b2b
from tests.scoring.b2b_journeys import day, form, sales, utc
from tests.test_accounts import KANA, demo, topic_of, wire

Document = dict[str, Any]
GIVEN_UP = "2026-11-16T09:00:00.000Z"
"""The close of the tenth business day: 3 November is a holiday."""
LOOK_BY = "2026-11-17T08:00:00.000Z"
"""Eight business hours later."""


def told(documents: list[Document], until: int = day(60)) -> list[Transition]:
    """The notes on `lead-transitions` of which time alone is the cause, after the events and `until`."""
    local = Local(terms_of(b2b()), 2)
    for document in documents:
        arrival = utc(document["occurred_at"])
        local.pass_time(arrival)
        local.feed(topic_of(document), wire(document), arrival)
    local.pass_time(until)
    found = [transition.decode(effect.value or b"") for effect in local.outputs[topics.LEAD_TRANSITIONS]]
    return [
        one
        for one in found
        if one is not None and one.cause == "tick" and one.type in ("review_requested", "existing_relationship")
    ]


def quote(at: int, **fields: Any) -> Document:
    return form("q", at, "quote", **{"email": KANA, "message": "how much?"} | fields)


def test_a_request_that_sales_let_lie_with_the_lead_is_reviewed_when_the_lead_comes_back() -> None:
    (review,) = told([demo("d", day(), KANA), quote(day(1))])
    assert (review.type, review.occurred_at, review.to_stage) == ("review_requested", GIVEN_UP, "lead")
    assert (review.sales["owner_queue"], review.sales["respond_by"]) == ("inside-sales", LOOK_BY)
    assert review.lead["message"] == "how much?"


def test_two_requests_raise_one_review() -> None:
    contact = form("c", day(2), "contact", email=KANA)
    assert len(told([demo("d", day(), KANA), quote(day(1)), contact])) == 1


def test_after_an_acceptance_without_contact_it_is_reviewed_too() -> None:
    accepted = sales("handoff_accepted", "a", day(1), email=KANA)
    (review,) = told([demo("d", day(), KANA), accepted, quote(day(20))])
    assert review.occurred_at == "2026-12-03T01:00:00.000Z", "30 days after the acceptance"


@pytest.mark.parametrize(
    "answer",
    [
        sales("contacted", "a", day(2), email=KANA),
        sales("handoff_rejected", "a", day(2), email=KANA, reason="timing"),
        sales("lead_disqualified", "a", day(2), email=KANA, reason="spam"),
        sales("lead_erased", "a", day(2), email=KANA),
    ],
    ids=lambda answer: str(answer["type"]),
)
def test_whoever_was_answered_by_a_person_is_not_reviewed(answer: Document) -> None:
    assert told([demo("d", day(), KANA), quote(day(1)), answer]) == []


def test_the_request_that_was_handed_over_raises_nothing_by_itself() -> None:
    assert told([demo("d", day(), KANA)]) == []


def test_a_request_that_a_machine_made_or_that_came_weeks_late_raises_nothing() -> None:
    late = quote(day(1)) | {"received_at": "2026-11-12T01:00:00Z", "event_id": "l"}
    assert told([demo("d", day(), KANA), quote(day(1), is_machine=True)]) == []
    local = Local(terms_of(b2b()), 2)
    for document, arrival in ((demo("d", day(), KANA), day()), (late, day(10))):
        local.feed(topic_of(document), wire(document), arrival)
    local.pass_time(day(60))
    assert b"review_requested" not in b"".join(e.value or b"" for e in local.outputs[topics.LEAD_TRANSITIONS])


def test_the_account_of_a_customer_hears_of_it_instead() -> None:
    customer = sales("relationship_set", "r", day(2), email=KANA, relationship="customer", sales_person="Sato")
    (note,) = told([demo("d", day(), KANA), quote(day(1)), customer])
    assert (note.type, note.sales["account_owner"], note.occurred_at) == (
        "existing_relationship",
        "Sato",
        GIVEN_UP,
    )


def test_after_the_review_a_new_request_hands_the_lead_over_again() -> None:
    documents = [demo("d", day(), KANA), quote(day(1)), form("c", day(20), "contact", email=KANA)]
    local = Local(terms_of(b2b()), 2)
    for document in documents:
        arrival = utc(document["occurred_at"])
        local.pass_time(arrival)
        local.feed(topic_of(document), wire(document), arrival)
    moves = [transition.decode(effect.value or b"") for effect in local.outputs[topics.LEAD_TRANSITIONS]]
    assert [move.cycle for move in moves if move is not None and move.handoff_id] == [1, 2]
