"""A lead that sales gave back waits, and only what it does from then on counts."""

import msgspec

from streams.scoring.application import apply
from streams.scoring.event import Event, decode
from streams.scoring.instant import DAY, rfc3339
from streams.scoring.lead import Lead, Stage
from streams.scoring.stage import elapse
from streams.scoring.timer import due
from tests.reference.adapter import KEY, published_model

MODEL = published_model()
START = 1_770_000_000_000


def tell(lead: Lead, event_id: str, at: int, kind: str, **fields: str) -> None:
    own = {"event_id": event_id, "type": kind, "occurred_at": rfc3339(at), "email": "kana@example.com"}
    event = decode(msgspec.json.encode(own | fields))
    assert isinstance(event, Event)
    apply(lead, KEY, event, at, KEY, MODEL)


def given_back(**fields: str) -> Lead:
    lead = Lead()
    tell(lead, "a", START, "content_downloaded", offer_type="whitepaper")
    tell(lead, "b", START + 1, "sales_contacted")
    assert lead.stage is Stage.SQL
    tell(lead, "c", START + DAY, "handoff_rejected", **fields)
    return lead


def test_a_rejected_lead_is_a_lead_again_at_once() -> None:
    assert given_back().stage is Stage.LEAD


def test_not_before_keeps_it_away_until_that_instant_exactly() -> None:
    lead = given_back(not_before=rfc3339(START + 30 * DAY))
    assert lead.stage is Stage.RECYCLED
    assert due(lead, MODEL) == START + 30 * DAY
    elapse(lead, START + 30 * DAY - 1, MODEL)
    assert [move.stage for move in lead.moves[-1:]] == [Stage.RECYCLED]
    elapse(lead, START + 30 * DAY, MODEL)
    assert [move.stage for move in lead.moves[-1:]] == [Stage.LEAD]


def test_an_unreadable_not_before_is_no_reason_to_wait() -> None:
    assert given_back(not_before="when they have money").stage is Stage.LEAD


def test_new_evidence_during_the_wait_does_not_hand_it_over() -> None:
    lead = given_back(not_before=rfc3339(START + 30 * DAY))
    tell(lead, "d", START + 2 * DAY, "content_downloaded", offer_type="whitepaper")
    tell(lead, "e", START + 3 * DAY, "sales_contacted")
    assert lead.stage is Stage.RECYCLED
