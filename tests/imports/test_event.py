"""Rows and lines become records: typed, keyed by lead, stamped with trust and arrival."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import Reason, Rejected
from schemas.event import MODELS, parse
from streams import topics
from streams.identity.keys import Kind, Secret, lead_key
from streams.imports.event import Import, Outcome, Prepared, Skipped, from_line, from_row
from streams.imports.mapping import Mapping

SECRET = Secret(b"a secret for tests")
ARRIVAL = 1_750_000_000_000
NOW = Import(SECRET, "import", ARRIVAL)
LIVE = Import(SECRET, "import", None)
LINE = {"event_id": "1", "type": "page_viewed", "occurred_at": "2025-06-01T10:00:00Z", "anonymous_id": "a1"}
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def line(**changes: object) -> bytes:
    return json.dumps({**LINE, **changes}).encode()


def sent(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Prepared), outcome
    event = json.loads(outcome.value)
    assert isinstance(event, dict)
    return event


def mapped(cells: dict[str, str], fields: dict[str, object] | None = None, **rule: object) -> Outcome:
    common = {"occurred_at": "at", "anonymous_id": "visitor", **(fields or {})}
    mapping = Mapping.model_validate({"fields": common, "events": [{"type": "page_viewed", **rule}]})
    return from_row({"at": "2025-06-01T10:00:00Z", "visitor": "a1", **cells}, mapping, NOW)


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("page_viewed", topics.WEB_VISITS),
        ("custom", topics.WEB_VISITS),
        ("email_opened", topics.EMAIL_ENGAGEMENT),
        ("form_submitted", topics.FORM_SUBMISSIONS),
        ("webinar_attended", topics.LEAD_ACTIVITIES),
        ("deal_won", topics.SALES_FEEDBACK),
        ("lead_erased", topics.SALES_FEEDBACK),
    ],
)
def test_each_type_goes_to_its_topic(kind: str, topic: str) -> None:
    outcome = from_line(line(type=kind), NOW)

    assert isinstance(outcome, Prepared)
    assert outcome.topic == topic


def test_the_key_is_of_the_strongest_identity() -> None:
    outcome = from_line(line(email="A@Example.com ", user_id="u1"), NOW)

    assert isinstance(outcome, Prepared)
    assert outcome.key == lead_key(Kind.EMAIL, "a@example.com", SECRET)


def test_trust_is_never_the_senders_to_choose() -> None:
    assert sent(from_line(line(source_kind="crm"), NOW))["source_kind"] == "import"


def test_an_import_arrives_now_and_a_replay_when_it_happened() -> None:
    assert sent(from_line(line(), NOW))["received_at"] == "2025-06-15T15:06:40.000Z"
    assert sent(from_line(line(), LIVE))["received_at"] == LINE["occurred_at"]
    assert sent(from_line(line(received_at="2025-06-02T00:00:00Z"), NOW))["received_at"] == "2025-06-02T00:00:00Z"


def test_unknown_fields_are_kept() -> None:
    assert sent(from_line(line(plan="gold"), NOW))["plan"] == "gold"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", Reason.BAD_JSON),
        (b"[]", Reason.BAD_JSON),
        (b'{"a": "\xff"}', Reason.BAD_UTF8),
        (line(type="no_such_type"), Reason.UNKNOWN_TYPE),
        (line(occurred_at="yesterday"), Reason.BAD_FIELD),
        (line(occurred_at="2030-01-01T00:00:00Z"), Reason.FUTURE),
        (line(url="x" * 1_100_000), Reason.OVERSIZE),
    ],
)
def test_what_the_contract_refuses_is_wrong_before_it_is_sent(raw: bytes, reason: Reason) -> None:
    outcome = from_line(raw, NOW)

    assert isinstance(outcome, Rejected)
    assert outcome.reason is reason


def test_nobody_and_nothing_are_skipped() -> None:
    assert from_line(line(anonymous_id=" "), NOW) == Skipped("missing_identity")
    assert from_line(b"  ", NOW) == Skipped("blank_line")


@given(st.binary(max_size=200))
def test_any_line_has_an_outcome(raw: bytes) -> None:
    assert isinstance(from_line(raw, NOW), Prepared | Skipped | Rejected)


@given(st.sampled_from(sorted(MODELS)), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_what_is_sent_is_what_a_worker_accepts(kind: str, more: dict[str, str]) -> None:
    outcome = from_line(json.dumps({**more, **LINE, "type": kind}).encode(), NOW)

    if isinstance(outcome, Prepared):
        assert not isinstance(parse(outcome.value), Rejected)


def test_the_first_rule_that_fits_decides() -> None:
    rules = [{"when": {"n": "x"}, "skip": "noise"}, {"when": {"n": ["a", "b"]}, "type": "page_viewed"}]
    fields = {"occurred_at": "at", "user_id": "u"}
    mapping = Mapping.model_validate({"fields": fields, "events": rules})
    row = {"at": "2025-06-01T10:00:00Z", "u": "u1"}

    assert from_row({**row, "n": "x"}, mapping, NOW) == Skipped("noise")
    assert from_row({**row, "n": "other"}, mapping, NOW) == Skipped("no_rule")
    assert isinstance(from_row({**row, "n": "b"}, mapping, NOW), Prepared)


@pytest.mark.parametrize(
    ("source", "cell", "value"),
    [
        ({"column": "c"}, " text ", "text"),
        ({"column": "c", "as": "number"}, "12", 12),
        ({"column": "c", "as": "number"}, "1.5", 1.5),
        ({"column": "c", "as": "boolean"}, "Yes", True),
        ({"column": "c", "json": "a.b"}, '{"a": {"b": 3}}', 3),
        ({"column": "c", "json": "a.b", "as": "text"}, '{"a": {"b": 3}}', "3"),
        ({"column": "c", "json": "a.b", "template": "<{}>"}, '{"a": {"b": "x"}}', "<x>"),
        ({"value": 7}, "", 7),
    ],
)
def test_a_field_is_taken_and_changed_as_the_mapping_says(source: object, cell: str, value: object) -> None:
    assert sent(mapped({"c": cell}, {"extra": source}))["extra"] == value


@pytest.mark.parametrize("source", ["c", {"column": "c", "json": "a.b"}])
@pytest.mark.parametrize("cell", ["", "  ", '{"a": 1}', '{"a": {"b": ""}}'])
def test_what_is_not_there_is_absent(source: object, cell: str) -> None:
    event = sent(mapped({"c": cell}, {"extra": source}))

    assert event.get("extra") in (None, cell.strip() if isinstance(source, str) and cell.strip() else None)


@pytest.mark.parametrize(
    ("time", "zone", "cell", "instant"),
    [
        (None, None, "2025-06-01T10:00:00.250+02:00", "2025-06-01T10:00:00.250+02:00"),
        (None, "Europe/Berlin", "2025-06-01 10:00:00", "2025-06-01T10:00:00.000+02:00"),
        ("%d/%m/%Y %H:%M", "Asia/Tokyo", "01/06/2025 10:00", "2025-06-01T10:00:00.000+09:00"),
        ("unix_s", None, "1748772000", "2025-06-01T10:00:00.000+00:00"),
        ("unix_ms", None, "1748772000250", "2025-06-01T10:00:00.250+00:00"),
    ],
)
def test_times_are_read_as_the_mapping_says(time: str | None, zone: str | None, cell: str, instant: str) -> None:
    source = {name: value for name, value in (("column", "when"), ("time", time), ("zone", zone)) if value}

    assert sent(mapped({"when": cell}, {"occurred_at": source}))["occurred_at"] == instant


@pytest.mark.parametrize("cell", ["2025-06-01 10:00:00", "soon", "99999999999999999999"])
def test_a_time_that_nobody_can_place_is_wrong_and_not_repeated_in_the_error(cell: str) -> None:
    outcome = mapped({"at": cell})

    assert isinstance(outcome, Rejected)
    assert outcome.detail.startswith("occurred_at: expected a time")
    assert cell not in outcome.detail


def test_properties_are_nested() -> None:
    outcome = mapped({"r": "12.5"}, {"properties.revenue": {"column": "r", "as": "number"}}, type="custom")

    assert sent(outcome)["properties"] == {"revenue": 12.5}


def test_the_same_row_is_the_same_event_and_another_row_another() -> None:
    first, again, other = (sent(mapped({"c": cell}))["event_id"] for cell in ("x", "x", "y"))

    assert first == again != other


@pytest.mark.parametrize(("skip", "agent", "outcome"), [(False, CRAWLER, True), (False, "Mozilla/5.0", False)])
def test_known_crawlers_are_marked_as_machines(skip: bool, agent: str, outcome: bool) -> None:
    mapping = Mapping.model_validate(
        {
            "bots": {"user_agent": "ua", "skip": skip},
            "fields": {"occurred_at": "at", "user_id": "u"},
            "events": [{"type": "page_viewed"}],
        }
    )
    row = {"at": "2025-06-01T10:00:00Z", "u": "u1", "ua": agent}

    assert sent(from_row(row, mapping, NOW)).get("is_machine", False) is outcome
    leaving_out = mapping.model_copy(
        update={"bots": mapping.bots and mapping.bots.model_copy(update={"skip": True})}
    )
    assert (from_row(row, leaving_out, NOW) == Skipped("bot")) is outcome
