"""Journeys through the whole pipeline, on event time: every edge between stages, and what sales hears."""

import json
from itertools import pairwise
from typing import Any, Final

import pytest

from streams import topics, transition
from streams.local import Local
from streams.transition import Transition
from tests.laboratory import terms_of
from tests.reference.b2b.adapter import b2b
from tests.scoring.b2b_journeys import day, form, mail, sales, utc, view
from tests.test_accounts import COMPANY, KANA, demo, topic_of, wire

Document = dict[str, Any]
DEMO: Final = demo("d", day(), KANA)
ACCEPTED: Final = sales("handoff_accepted", "s1", day(1))
OPPORTUNITY: Final = sales("opportunity_created", "s2", day(2))
REJECTED: Final = sales("handoff_rejected", "s3", day(1), reason="timing")
SPAM: Final = sales("lead_disqualified", "s4", day(1), reason="spam")
AFTER_ALL: Final = sales("handoff_rejected", "s6", day(3), reason="timing")
RIVAL: Final = sales("relationship_set", "s5", day(3), relationship="competitor")
PAPER: Final = form(
    "w", day(), "whitepaper", title="Manager Marketing", employees=300, country="JP", company="Aozora"
)


def played(documents: list[Document], until: int | None = None) -> Local:
    """The events at their instants, with all that time brings in between and up to `until`."""
    local = Local(terms_of(b2b()), 2)
    for document in documents:
        arrival = utc(document.get("received_at") or document["occurred_at"])
        local.pass_time(arrival)
        assert local.feed(topic_of(document), wire(document), arrival) is None
    local.pass_time(until or 0)
    return local


def told(local: Local) -> list[Transition]:
    found = [transition.decode(effect.value or b"") for effect in local.outputs[topics.LEAD_TRANSITIONS]]
    return [one for one in found if one is not None]


def way(local: Local) -> list[str]:
    """The stages in the order in which they were told."""
    return [f"{t.from_stage}-{t.to_stage}" for t in told(local) if t.type == "stage_changed"]


def given_out(local: Local) -> list[dict[str, Any]]:
    found = [json.loads(effect.value or b"")["data"] for effect in local.outputs.get(topics.SALES_HANDOFFS, [])]
    return [data for data in found if "change" not in data]


# --- every edge


EDGES: list[tuple[str, str, list[Document], int]] = [
    ("visitor-lead", "form_submitted", [form("n", day(), "newsletter")], 0),
    ("lead-mql", "form_submitted", [form("n", day(-1), "newsletter"), PAPER], 0),
    ("mql-lead", "tick", [PAPER], day(60)),
    ("mql-sql", "lead_identified", [
        form("d", day(), "demo", **COMPANY), sales("lead_identified", "t", day(1), title="部長"),
    ], 0),
    ("sql-accepted", "handoff_accepted", [DEMO, ACCEPTED], 0),
    ("sql-accepted", "contacted", [DEMO, sales("contacted", "s", day(1))], 0),
    ("sql-accepted", "meeting_booked", [DEMO, sales("meeting_booked", "s", day(1))], 0),
    ("sql-opportunity", "opportunity_created", [DEMO, OPPORTUNITY], 0),
    ("sql-customer", "deal_won", [DEMO, sales("deal_won", "s", day(1))], 0),
    ("accepted-opportunity", "opportunity_created", [DEMO, ACCEPTED, OPPORTUNITY], 0),
    ("accepted-customer", "deal_won", [DEMO, ACCEPTED, sales("deal_won", "s", day(3))], 0),
    ("opportunity-customer", "deal_won", [DEMO, OPPORTUNITY, sales("deal_won", "s", day(3))], 0),
    ("sql-recycled", "handoff_rejected", [DEMO, REJECTED], 0),
    ("sql-recycled", "tick", [DEMO], day(30)),
    ("accepted-recycled", "handoff_rejected", [DEMO, ACCEPTED, AFTER_ALL], 0),
    ("accepted-recycled", "tick", [DEMO, ACCEPTED], day(40)),
    ("opportunity-recycled", "deal_lost", [DEMO, OPPORTUNITY, sales("deal_lost", "s", day(3))], 0),
    ("recycled-lead", "tick", [DEMO, REJECTED], day(100)),
    ("recycled-lead", "form_submitted", [DEMO, REJECTED, form("c", day(5), "contact")], 0),
    ("recycled-lead", "lead_promoted", [DEMO, REJECTED, sales("lead_promoted", "p", day(5), reason="met")], 0),
    ("lead-disqualified", "lead_disqualified", [form("n", day(), "newsletter"), SPAM], 0),
    ("mql-disqualified", "lead_disqualified", [PAPER, SPAM], 0),
    ("sql-disqualified", "lead_disqualified", [DEMO, SPAM], 0),
    ("sql-disqualified", "relationship_set", [DEMO, RIVAL], 0),
    ("accepted-disqualified", "relationship_set", [DEMO, ACCEPTED, RIVAL], 0),
    ("recycled-disqualified", "relationship_set", [DEMO, REJECTED, RIVAL], 0),
    ("disqualified-lead", "lead_reinstated", [PAPER, SPAM, sales("lead_reinstated", "s", day(2))], 0),
]  # fmt: skip


@pytest.mark.parametrize(("edge", "cause", "documents", "until"), EDGES, ids=lambda value: str(value)[:40])
def test_an_edge_between_stages_is_told_with_its_cause(
    edge: str, cause: str, documents: list[Document], until: int
) -> None:
    local = played(documents, until)
    causes = {f"{t.from_stage}-{t.to_stage}": t.cause_type for t in told(local) if t.type == "stage_changed"}
    assert causes.get(edge) == cause
    walked = way(local)
    stages = ["visitor", *(step.partition("-")[2] for step in walked)]
    assert walked == [f"{one}-{other}" for one, other in pairwise(stages)], "no step is left out"


# --- the loop, twice round


def test_a_lead_goes_the_whole_loop_twice_round_and_each_handoff_says_which_it_is() -> None:
    documents = [
        DEMO,
        sales("handoff_accepted", "a1", day(1)),
        sales("contacted", "a2", day(1, 2)),
        sales("handoff_rejected", "a3", day(8), reason="no_response"),
        view("v", day(45)),
        form("c", day(46), "contact", message="今なら話せます"),
        sales("meeting_booked", "b1", day(47)),
        sales("opportunity_created", "b2", day(50)),
        sales("deal_lost", "b3", day(60), reason="chose_competitor"),
        form("q", day(100), "quote"),
        sales("deal_won", "c1", day(105)),
    ]
    local = played(documents, day(130))
    assert way(local) == [
        *("visitor-lead", "lead-mql", "mql-sql", "sql-accepted", "accepted-recycled"),
        *("recycled-lead", "lead-mql", "mql-sql", "sql-accepted", "accepted-opportunity", "opportunity-recycled"),
        *("recycled-lead", "lead-mql", "mql-sql", "sql-customer"),
    ]
    handed = given_out(local)
    assert [(data["cycle"], data["previous_handoffs"], data["request_type"]) for data in handed] == [
        (1, 0, "demo"),
        (2, 1, "contact"),
        (3, 2, "quote"),
    ]
    assert len({data["handoff_id"] for data in handed}) == 3
    assert {data["colleagues_active_30d"] for data in handed} == {0}, "nobody is a colleague of oneself"
    assert {data["colleagues"] for data in handed} == {None}


# --- two colleagues


def test_two_colleagues_who_ask_on_one_day_reach_one_queue_and_the_second_names_the_first() -> None:
    local = played([DEMO, demo("e", day(0, 1), "ren@aozora.example")])
    first, second = given_out(local)
    same = ("account_key", "owner_queue", "account_owner", "company_domain", "employees")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert (first["colleague_handoff_id"], second["colleague_handoff_id"]) == (None, first["handoff_id"])
    assert second["colleague_owner"] == first["owner_queue"]
    assert second["colleagues_active_30d"] == 1


# --- nobody in sales stirs


def recipient(told: Transition) -> object:
    """Who hears of it."""
    return told.sales.get("recipient")


def overdue_path(country: str, arrival: str, form_type: str = "demo") -> list[tuple[str, str, object]]:
    """What time alone brings to a handoff that nobody works: when, what, and who hears of it."""
    request = demo("d", utc(arrival), KANA, country=country) | {"form_type": form_type}
    local = played([request], utc(arrival) + 40 * 86_400_000)
    deadlines = {t.sales.get("respond_by") for t in told(local) if t.handoff_id or t.type == "handoff_overdue"}
    assert deadlines == {given_out(local)[0]["respond_by"]}, "each word of the delay names the one deadline"
    return [
        (t.occurred_at[:16], t.to_stage if t.type == "stage_changed" else t.type, recipient(t))
        for t in told(local)
        if t.cause == "tick"
    ][:4]


def test_the_overdue_path_in_tokyo_over_a_weekend_and_a_holiday() -> None:
    """Friday 17:30 before a weekend and Labour Thanksgiving Day."""
    assert overdue_path("JP", "2026-11-20T08:30Z") == [
        ("2026-11-24T00:30", "handoff_overdue", "queue_lead"),  # Tuesday 9:30
        ("2026-11-24T08:30", "handoff_overdue", "manager"),
        ("2026-12-04T09:00", "recycled", None),  # the close of the tenth business day, Friday being the first
        ("2026-12-04T09:00", "lead", None),
    ]


def test_the_overdue_path_in_berlin_over_easter_and_over_the_change_of_clocks() -> None:
    """Thursday 17:30 before Good Friday and Easter Monday; a Friday in winter time, a Monday in summer time."""
    assert overdue_path("DE", "2026-04-02T15:30Z") == [
        ("2026-04-07T07:30", "handoff_overdue", "queue_lead"),  # Tuesday 9:30
        ("2026-04-07T15:30", "handoff_overdue", "manager"),
        ("2026-04-17T16:00", "recycled", None),
        ("2026-04-17T16:00", "lead", None),
    ]
    assert overdue_path("DE", "2026-03-27T16:30Z")[:2] == [
        ("2026-03-30T07:30", "handoff_overdue", "queue_lead"),
        ("2026-03-30T15:30", "handoff_overdue", "manager"),
    ]


def test_the_clock_starts_when_the_request_arrives_and_not_when_it_was_made() -> None:
    late = DEMO | {"received_at": "2026-11-02T05:00:00Z"}
    assert given_out(played([late]))[0]["respond_by"] == "2026-11-02T06:00:00.000Z"


def test_a_contact_stops_the_clock_and_an_acceptance_does_not() -> None:
    def overdue(answer: Document) -> int:
        return sum(t.type == "handoff_overdue" for t in told(played([DEMO, answer], day(20))))

    assert overdue(sales("handoff_accepted", "a", day(0, minutes=10))) == 2
    assert overdue(sales("contacted", "a", day(0, minutes=10))) == 0


# --- what else a handoff says


def test_a_handoff_says_how_the_person_came_first_and_last() -> None:
    documents = [
        view("v1", day(-9)) | {"email": KANA, "utm_source": "google", "utm_medium": "cpc"},
        view("v2", day(-8)) | {"email": KANA},
        mail("clicked", "k", day(-7)),
        mail("clicked", "m", day(-6), is_machine=True) | {"touch_channel": "scanner"},
        DEMO | {"touch_channel": "organic_search"},
    ]
    (handed,) = given_out(played(documents))
    assert (handed["first_touch_channel"], handed["last_touch_channel"]) == ("google / cpc", "organic_search")
    assert [t.lead.get("touch_channel") for t in told(played(documents))] == [None] * 3


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_the_touches_are_those_of_the_set_of_events_whatever_came_first(order: int) -> None:
    touched = [view(f"v{n}", day(-n)) | {"email": KANA, "touch_channel": f"c{n}"} for n in (5, 3, 1)]
    local = Local(terms_of(b2b()), 2)
    for document in [*touched[::order], DEMO]:
        local.feed(topic_of(document), wire(document), day())
    (handed,) = given_out(local)
    assert (handed["first_touch_channel"], handed["last_touch_channel"]) == ("c5", "c1")


def test_without_a_trace_the_person_s_own_word_stands() -> None:
    (handed,) = given_out(played([DEMO | {"referral_channel": "a friend"}]))
    assert (handed["first_touch_channel"], handed["last_touch_channel"]) == ("a friend", "a friend")


def test_a_merge_unites_the_touches() -> None:
    anonymous = view("v", day(-2)) | {"email": None, "touch_channel": "social"}
    linked = sales("identities_linked", "l", day(-1), anonymous_id="device-1")
    (handed,) = given_out(played([anonymous, linked, DEMO | {"touch_channel": "direct"}]))
    assert (handed["first_touch_channel"], handed["last_touch_channel"]) == ("social", "direct")


GRANTED = [{"channel": "email", "purpose": "product news", "wording_version": "v3"}]


@pytest.mark.parametrize(
    ("fields", "basis", "may"),
    [
        ({}, "own request of 2 Nov", True),
        ({"consent_processing": True}, "own request of 2 Nov, agreed to processing on 2 Nov", True),
        (
            {"consent_processing": "yes", "consent_communication": GRANTED},
            "own request of 2 Nov, agreed to processing on 2 Nov, "
            "agreed to be contacted on 2 Nov: email: product news (v3)",
            True,
        ),
        ({"consent_communication": []}, "own request of 2 Nov", False),
        ({"consent_communication": "いいえ"}, "own request of 2 Nov", False),
    ],
)
def test_a_handoff_says_on_what_grounds_the_person_may_be_addressed(
    fields: Document, basis: str, may: bool
) -> None:
    (handed,) = given_out(played([DEMO | fields]))
    assert (handed["consent_basis"], handed["may_email_marketing"]) == (basis, may)


def test_the_history_names_offers_and_occasions_with_the_local_time() -> None:
    documents = [
        form("w", day(-3), "whitepaper", offer_id="Lead scoring in practice"),
        sales("webinar_attended", "x", day(-2), name="Autumn webinar"),
        form("n", day(-1), "whitepaper", form_id=None),
        DEMO,
    ]
    (handed,) = given_out(played(documents))
    lines = handed["history"].splitlines()
    assert lines[0] == "2 Nov 10:00: asked for a demo", "requests and intent first"
    assert lines[-1] == "30 Oct 10:00: took a whitepaper or a case study (Lead scoring in practice)"
    assert [line.partition(" (")[2] for line in lines[2:-1]] == ["", "Autumn webinar)"], (
        "what has no name has none"
    )
