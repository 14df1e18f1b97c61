"""A crossing that arrives too late does not call a salesperson: an import must not flood sales."""

import msgspec

from schemas.model import ScoringModel
from streams.scoring.application import apply
from streams.scoring.event import Event, decode
from streams.scoring.instant import DAY, rfc3339
from streams.scoring.lead import Lead, Stage
from streams.scoring.model import Model, compile_model
from tests.reference.adapter import KEY, published_model

NOW = 1_770_000_000_000


def model(max_age: str | None) -> Model:
    source = published_model().source.model_dump(mode="json")
    durations = [source["recycling"], *source["rules"]]
    source["lateness"] = f"{source['lateness']}ms"
    for part in durations:
        for name in ("cool_down", "keeps", "within", "half_life"):
            if part.get(name) is not None:
                part[name] = f"{part[name]}ms"
    source["handoff"]["max_age"] = max_age
    return compile_model(ScoringModel.model_validate(source))


def download(event_id: str, at: int, kind: str = "content_downloaded") -> Event:
    fields = {"event_id": event_id, "type": kind, "occurred_at": rfc3339(at), "email": "kana@example.com"}
    event = decode(msgspec.json.encode(fields | {"offer_type": "whitepaper"}))
    assert isinstance(event, Event)
    return event


def stage(max_age: str | None, *events: tuple[Event, int]) -> Stage:
    lead = Lead()
    for event, arrival in events:
        apply(lead, KEY, event, arrival, KEY, model(max_age))
    return lead.stage


OLD = (download("a", NOW - 20 * DAY), NOW), (download("b", NOW - 19 * DAY, "sales_contacted"), NOW)


def test_an_import_of_old_events_makes_no_sales_qualified_lead() -> None:
    assert stage("7d", *OLD) is Stage.MQL


def test_without_a_limit_old_events_count_as_any_other() -> None:
    assert stage(None, *OLD) is Stage.SQL


def test_the_next_fresh_event_hands_the_held_lead_over() -> None:
    assert stage("7d", *OLD, (download("c", NOW + DAY, "email_opened"), NOW + DAY)) is Stage.SQL


def test_the_order_of_arrival_makes_no_difference() -> None:
    assert stage("7d", *reversed(OLD)) is Stage.MQL
