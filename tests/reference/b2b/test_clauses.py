"""Single clauses of the `b2b` model, each on a journey short enough to be worked in the head."""

import pytest

from tests.reference.b2b.adapter import IMPLEMENTATIONS
from tests.reference.b2b.outcome import stage_at
from tests.reference.events import rfc3339
from tests.scoring.b2b_journeys import (
    DEMO,
    PRODUCT_VISITS,
    THREE_VISITS,
    VP,
    YAMADA,
    Journey,
    Step,
    day,
    event,
    form,
    imported_vp,
    mail,
    sales,
    utc,
    view,
)  # fmt: skip

NO_TITLE = form("d1", day(), "demo", **DEMO)
IT_HEAD = {"title": "情報システム部 部長"}
BACK = utc("2026-11-17T09:00Z")
WHO_SQL = Step(day(7, hours=1), "sql", 74.1)


def held(*codes: str) -> frozenset[str]:
    return frozenset(codes)


CLAUSES = [
    Journey(
        "a request made before unsubscribing opens no lane afterwards",
        [NO_TITLE, mail("unsubscribed", "u1", day(1)), sales("lead_identified", "t1", day(2), **IT_HEAD)],
        [Step(day(2), "mql", 64.8, grade="A", held=held("unsubscribed", "score", "intent", "active_days"))],
    ),
    Journey(
        "a click completes the conditions, but the next visit calls the salesperson",
        [
            imported_vp(),
            view("v1", day(), "/blog"),
            sales("sales_contacted", "x1", day(), direction="inbound"),
            mail("clicked", "k1", day(1)),
            view("v2", day(1, hours=1), "/blog"),
        ],
        [
            Step(day(), "mql", 65.0, held=held("score", "active_days")),
            Step(day(1), "mql", 74.3, held=held("next_event")),
            Step(day(1, hours=1), "sql", 74.3),
        ],
    ),
    Journey(
        "the CRM's word for a title stands against forms, and an import's against nobody",
        [
            imported_vp(),
            form("n1", day(1), "other", title="インターン", email="kana@aozora.example"),
            event("lead_identified", "i1", day(2), source_kind="import", title="課長", pain_points="costs"),
        ],
        [Step(day(1), "lead", 35.0, grade="A"), Step(day(2), "lead", 35.0, grade="A")],
    ),
    Journey(
        "a new employer starts a new fit",
        [
            imported_vp(),
            sales(
                "lead_identified", "n1", day(1), company="Hikari", company_domain="hikari.example", title="課長"
            ),
        ],
        [Step(day(), "lead", 35.0, grade="A"), Step(day(1), "lead", 6.0, grade="C")],
    ),
    Journey(
        "an unsubscription weighs the same until its ninetieth day, and the block stays",
        [imported_vp(), mail("unsubscribed", "u1", day())],
        [Step(day(90) - 1, "lead", 20.0, -15.0), Step(day(90), "lead", 35.0, 0.0)],
    ),
    Journey(
        "a new subscription takes the unsubscription back",
        [imported_vp(), mail("unsubscribed", "u1", day()), mail("subscribed", "u2", day(1))],
        [Step(day(), "lead", 20.0), Step(day(1), "lead", 40.0)],
    ),
    Journey(
        "a call while sales has the lead never counts, and after the return only the lead's own does",
        [
            *THREE_VISITS,
            sales("sales_contacted", "x1", day(8), direction="inbound"),
            sales("handoff_rejected", "x2", day(9), reason="no_response"),
            sales("sales_contacted", "x3", day(45), direction="outbound", outcome="connected"),
            sales("sales_contacted", "x4", day(46), direction="inbound"),
        ],
        [
            WHO_SQL,
            Step(day(8), "sql", 72.3),
            Step(day(9), "recycled", 35.0),
            Step(day(39), "lead"),
            Step(day(45), "lead", 35.0),
            Step(day(46), "mql", 65.0),
        ],
    ),
    Journey(
        "a hard block takes any stage, and only a person undoes it when it is gone",
        [
            *THREE_VISITS,
            sales("relationship_set", "r1", day(8), relationship="competitor"),
            sales("lead_reinstated", "r2", day(9)),
            sales("relationship_set", "r3", day(10), relationship="none"),
            sales("lead_reinstated", "r4", day(11)),
        ],
        [
            WHO_SQL,
            Step(day(8), "disqualified"),
            Step(day(9), "disqualified"),
            Step(day(10), "disqualified"),
            Step(day(11), "lead"),
        ],
    ),
    Journey(
        "after `not_worked` the points are kept, but only new intent hands over again",
        [
            imported_vp(),
            *(view(f"v{n}", day(hours=3 * n)) for n in range(3)),
            view("v9", day(1)),
            view("w1", BACK + 3_600_000, "/blog"),
            view("w2", BACK + 86_400_000),
        ],
        [
            Step(BACK, "lead", 52.2),
            Step(BACK + 3_600_000, "mql", 57.3, held=held("score", "intent")),
            Step(BACK + 86_400_000, "sql", 70.0),
        ],
    ),
    Journey(
        "a request made while sales had the lead is spent when nobody works it",
        [
            imported_vp(),
            *(view(f"v{n}", day(hours=3 * n)) for n in range(3)),
            view("v9", day(1)),
            form("c1", BACK - 86_400_000, "contact"),
            view("w1", BACK + 3_600_000, "/blog"),
        ],
        [Step(BACK, "lead"), Step(BACK + 3_600_000, "mql", held=held("intent"))],
    ),
    Journey(
        "accepted and never contacted comes back after thirty days",
        [*THREE_VISITS, sales("handoff_accepted", "x1", day(8))],
        [Step(day(38) - 1, "accepted"), Step(day(38), "lead", 35.0)],
    ),
    Journey(
        "whom sales calls a student is disqualified",
        [*THREE_VISITS, sales("handoff_rejected", "x1", day(8), reason="student")],
        [Step(day(8), "disqualified")],
    ),
    Journey(
        "an answer to another handoff moves nothing",
        [*THREE_VISITS, sales("handoff_accepted", "x1", day(8), handoff_id="of-nobody")],
        [Step(day(8), "sql")],
    ),
    Journey(
        "`not_before` takes the place of the ninety days",
        [*THREE_VISITS, sales("handoff_rejected", "x1", day(8), reason="timing", not_before=rfc3339(day(20)))],
        [Step(day(20) - 1, "recycled"), Step(day(20), "lead")],
    ),
    Journey(
        "an address that only a browser told is not handed over by score",
        [
            form("f1", day(), "other", **VP, source_kind="browser"),
            *(view(f"v{n}", day(n)) for n in (1, 2, 3)),
            form("f2", day(4), "other"),
        ],
        [Step(day(3), "mql", 79.3, held=held("server_source")), Step(day(4), "sql")],
    ),
    Journey(
        "browsers give sixty points at most",
        [
            form("f1", day(), "contact", source_kind="browser"),
            form("f2", day(), "demo", source_kind="browser"),
            *(view(f"v{n}", day(hours=n), "/pricing") for n in range(3)),
        ],
        [Step(day(hours=2), "sql", 60.0, 60.0)],
    ),
    Journey(
        "a personal address needs a phone besides the company",
        [
            form("c1", day(), "contact", **{**YAMADA, "phone": ""}),
            form("c2", day(1), "other", phone="03-1234-5678", email="yamada@gmail.com"),
        ],
        [Step(day(), "mql", 51.0, held=held("phone_unknown")), Step(day(1), "sql")],
    ),
    Journey(
        "who lives outside the area is reviewed, and no MQL",
        [form("d1", day(), "demo", **VP | {"country": "BR"})],
        [Step(day(), "lead", grade="D")],
    ),
    Journey(
        "what was too old is released by the next fresh event",
        [
            form("d1", day(), "demo", **VP, source_kind="import", received_at=rfc3339(day(8))),
            view("v1", day(9), "/blog"),
        ],
        [Step(day(8), "mql", held=held("too_old")), Step(day(9), "sql")],
    ),
    Journey(
        "a person promotes whoever can be a lead at all",
        [
            event("lead_identified", "l1", day(), title="担当"),
            sales("relationship_set", "r1", day(), relationship="partner"),
            sales("lead_promoted", "p1", day(1), reason="met at the fair"),
        ],
        [Step(day(), "lead"), Step(day(1), "sql", 0.0)],
    ),
    Journey(
        "a better grade ends the wait of what did not fit",
        [
            form("c1", day(), "contact", company="Aozora", employees=30),
            sales("handoff_rejected", "x1", day(1), reason="not_a_fit"),
            sales("lead_identified", "l1", day(2), employees=300, industry="software"),
            sales("lead_identified", "l2", day(3), title="課長", country="JP"),
        ],
        [Step(day(), "sql"), Step(day(1), "recycled"), Step(day(2), "recycled"), Step(day(3), "lead", grade="B")],
    ),
]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("journey", CLAUSES, ids=lambda journey: journey.sentence)
def test_a_clause(journey: Journey, implementation: str) -> None:
    outcome = IMPLEMENTATIONS[implementation](journey.events)
    assert [stage_at(outcome, step.at) for step in journey.steps] == [step.stage for step in journey.steps]
    for step in journey.steps:
        score = outcome.score_at(step.at)
        assert step.score is None or round(score.total, 1) == step.score
        assert step.behaviour is None or round(score.behaviour, 1) == step.behaviour
        assert step.grade is None or score.grade == step.grade
        assert step.held is None or outcome.held_at(step.at) == step.held


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_only_a_contact_stops_the_clock(implementation: str) -> None:
    run, visits = IMPLEMENTATIONS[implementation], PRODUCT_VISITS.events
    accepted = run([*visits, sales("handoff_accepted", "x1", day(7, hours=2))])
    contacted = run([*visits, sales("contacted", "x1", day(7, hours=2))])
    due = utc("2026-11-10T01:00Z")
    assert [(n.at, n.deadline) for n in accepted.notices] == [(due, due), (utc("2026-11-10T09:00Z"), due)]
    assert contacted.notices == ()
