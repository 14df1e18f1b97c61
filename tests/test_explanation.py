"""Why a lead stands where it stands: every point named, the sum the score, and its way in words."""

import msgspec
import pytest
from hypothesis import given, settings

from streams import explanation, model_file
from streams.explanation import Explanation, explain
from streams.identity.keys import Kind, lead_key
from streams.local import Local
from streams.scoring.instant import DAY, HOUR
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.scoring.score import score
from streams.shard import Terms
from streams.topics import EMAIL_ENGAGEMENT, FORM_SUBMISSIONS, LEAD_ACTIVITIES, SALES_FEEDBACK, WEB_VISITS
from tests.reference.adapter import lead_of, published_model
from tests.reference.journeys import journeys
from tests.reference.outcome import Event
from tests.replay.recorded import NOON, SECRET, document, terms

JANE = {"email": "jane@example.com"}
KEY = lead_key(Kind.EMAIL, "jane@example.com", SECRET)
DEVICE = lead_key(Kind.ANONYMOUS, "device-1", SECRET)


def life(*events: tuple[str, bytes, int], under: Terms | None = None) -> Local:
    local = Local(under or terms())
    for topic, value, at in events:
        local.pass_time(at)
        local.feed(topic, value, at)
    return local


def account(local: Local, at: int) -> Explanation:
    lead = local.find(KEY)
    assert lead is not None
    return explain(KEY, lead, local.terms.model, at)


def download(event_id: str, at: int, **more: object) -> tuple[str, bytes, int]:
    return FORM_SUBMISSIONS, document("form_submitted", event_id, at, form_type="whitepaper", **(more or JANE)), at


def contact(event_id: str, at: int) -> tuple[str, bytes, int]:
    return LEAD_ACTIVITIES, document("sales_contacted", event_id, at, **JANE), at


def test_each_point_names_its_event_its_rule_and_its_instant() -> None:
    found = account(life(download("w", NOON), contact("c", NOON + HOUR)), NOON + 2 * HOUR)
    assert [(p.rule, p.event_id, p.at, p.value) for p in found.points] == [
        ("whitepaper", "w", "2026-11-02T12:00:00.000Z", 20.0),
        ("sales_contact", "c", "2026-11-02T13:00:00.000Z", 30.0),
    ]
    assert found.score == 50.0
    assert {p.model for p in found.points} == {published_model().hash}
    assert found.points[0].words == "downloaded a whitepaper"


def test_the_way_is_told_with_instants_causes_and_handoffs() -> None:
    answer = SALES_FEEDBACK, document("handoff_rejected", "r", NOON + DAY, **JANE, reason="timing"), NOON + DAY
    found = account(life(download("w", NOON), contact("c", NOON + HOUR), answer), NOON + 2 * DAY)
    assert [(s.from_stage, s.to_stage, s.cause) for s in found.history] == [
        ("visitor", "lead", "w"),
        ("lead", "mql", "w"),
        ("mql", "sql", "c"),
        ("sql", "recycled", "r"),
        ("recycled", "lead", "r"),
    ]
    assert [s.words for s in found.history[2:4]] == ["spoke with a salesperson", "sales returned it (timing)"]
    assert [(h.cycle, h.at) for h in found.handoffs] == [(1, "2026-11-02T13:00:00.000Z")]
    assert found.open_handoffs == []
    assert found.score == 0.0, "what was before the return no longer counts"


def test_time_is_named_where_it_was_the_cause() -> None:
    local = life(download("w", NOON))
    local.pass_time(NOON + 31 * DAY)
    found = account(local, NOON + 31 * DAY)
    assert (found.history[-1].cause, found.history[-1].words) == ("time", "its score fell below the exit")
    assert found.history[-1].at == "2026-12-02T12:00:00.000Z"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((download("w", NOON),), "20 more points (has 20 of 40)"),
        ((contact("c", NOON),), "10 more points (has 30 of 40)"),
        (
            ((EMAIL_ENGAGEMENT, document("email_opened", "o", NOON, **JANE), NOON),),
            "15 more points for MQL (has 5 of 20)",
        ),
        ((download("w", NOON), contact("c", NOON)), None),
    ],
)
def test_what_holds_a_lead_back_is_said_in_points(
    events: tuple[tuple[str, bytes, int], ...], expected: str
) -> None:
    assert account(life(*events), NOON).held_because == expected


def test_a_point_that_came_by_another_identity_says_so() -> None:
    visits = [
        (WEB_VISITS, document("page_viewed", f"v{n}", NOON + n * DAY, anonymous_id="device-1"), NOON + n * DAY)
        for n in range(3)
    ]
    local = life(*visits, download("w", NOON + 3 * DAY, **JANE, anonymous_id="device-1"))
    found = account(local, NOON + 3 * DAY)
    assert [(p.rule, p.via, p.via_key) for p in found.points] == [
        ("visits", "anonymous id", DEVICE),
        ("whitepaper", "email", KEY),
    ]
    assert found.aliases == [DEVICE]


def test_an_earlier_instant_shows_what_counted_then() -> None:
    local = life(download("w", NOON), contact("c", NOON + DAY))
    before = account(local, NOON + HOUR)
    assert (before.stage, before.score, before.handoffs) == ("mql", 20.0, [])
    assert before.held_because == "20 more points (has 20 of 40)"
    assert account(local, NOON - 1).stage == "visitor"


def test_a_group_that_gives_no_more_is_a_line_of_its_own() -> None:
    source = (model_file.SHIPPED / "published.yaml").read_text()
    capped = source.replace("    max: 2\n", "    group: mail\n").replace(
        "stages:", "groups: {mail: {cap: 12}}\nstages:"
    )
    model = model_file.read(capped.encode(), "capped.yaml")
    assert isinstance(model, Model), model
    opens = [(EMAIL_ENGAGEMENT, document("email_opened", f"o{n}", NOON + n, **JANE), NOON + n) for n in range(3)]
    found = account(life(*opens, under=terms()._replace(model=model)), NOON + HOUR)
    assert [(p.rule, p.value) for p in found.points] == [("email_open", 5.0)] * 3 + [("cap:mail", -3.0)]
    assert (found.score, found.points[-1].words) == (12.0, "mail gives 12 at most")


@settings(deadline=None, max_examples=150)
@given(journeys())
def test_the_points_sum_to_the_score_on_any_journey(events: list[Event]) -> None:
    model = published_model()
    lead: Lead = lead_of(events, model)
    for at in (lead.clock, lead.clock + 29 * DAY):
        found = explain("e1-x", lead, model, at)
        state = explanation.state_at(lead, at)
        assert sum(p.value for p in found.points) == found.score
        assert found.score == score(lead, model, at, explanation.LATEST, state).total
    assert msgspec.json.decode(msgspec.json.encode(found), type=Explanation) == found
