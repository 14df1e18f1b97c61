"""The fast decoder and the contract's models accept, refuse and yield the same."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import streams.scoring.event as fast
from schemas.attribute import as_text
from schemas.dead_letter import Reason, Rejected
from schemas.document import MAX_DEPTH, read
from schemas.envelope import Envelope
from schemas.event import ACTIVITY_TYPES, FEEDBACK_TYPES, MODELS, parse
from schemas.identity import address
from schemas.instant import milliseconds
from streams.identity.keys import Secret, lead_keys
from streams.scoring.event import FIELDS, Event, decode, refusal
from streams.topics import EMAIL_ENGAGEMENT, INPUTS, SALES_FEEDBACK, WEB_VISITS
from tests.scoring.event_documents import EMAILS, IDS, VISIT, documents, wire


def rejected(raw: bytes | None) -> Rejected:
    outcome = decode(raw)
    assert isinstance(outcome, Rejected), outcome
    return outcome


def accepted(raw: bytes) -> Event:
    outcome = decode(raw)
    assert isinstance(outcome, Event), outcome
    return outcome


def view_of(model: Envelope, document: dict[str, Any]) -> dict[str, Any]:
    """What the models yield, in the terms of the fast event; written apart from the decoder's own conversion."""
    values = {name: getattr(model, name) for name in type(model).model_fields}
    extra = {}
    for name, value in model.unknown().items():
        if name not in FIELDS or (name == "properties" and not isinstance(value, dict) and value is not None):
            extra[name] = value
        elif Event.__annotations__[name] == (str | None):
            values[name] = as_text(value)
        else:
            values[name] = value
    view = dict.fromkeys(FIELDS) | {name: value for name, value in values.items() if value is not None}
    view["source_kind"] = view["source_kind"] or "server"
    view["is_machine"] = bool(view["is_machine"])
    view["schema_version"] = view["schema_version"] or 1
    view["at"] = milliseconds(model.occurred_at)
    view["received"] = None if model.received_at is None else milliseconds(model.received_at)
    view["extra"] = extra or None
    del view["occurred_at"], view["received_at"]
    return view


def agree(raw: bytes) -> Event | Rejected:
    """Both readers on the same bytes; fails where they differ."""
    event, model = decode(raw), parse(raw)
    if isinstance(model, Rejected):
        assert event == model
        return model
    assert isinstance(event, Event), (event, model)
    document = read(raw)
    assert isinstance(document, dict)
    names = (FIELDS - {"occurred_at", "received_at"}) | {"at", "received", "extra"}
    found = {name: getattr(event, name) for name in names}
    expected = view_of(model, document)
    assert {name: (type(value), value) for name, value in found.items()} == {
        name: (type(value), value) for name, value in expected.items()
    }
    return event


def _encoded(document: Any, ascii_only: bool) -> bytes:
    return json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


@settings(max_examples=400, deadline=None)
@given(documents(), st.booleans())
def test_both_readers_agree_on_any_event(document: dict[str, Any], ascii_only: bool) -> None:
    agree(_encoded(document, ascii_only))


@settings(max_examples=400, deadline=None)
@given(documents(), st.data())
def test_both_readers_agree_on_damaged_bytes(document: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(_encoded(document, True))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw)))
        piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        raw[place : place + data.draw(st.integers(0, 4))] = piece
    agree(bytes(raw))


PIECES = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"e400",
    b"NaN",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"00",
    b"-",
]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
@example(b"")
@example(b"null")
def test_both_readers_agree_on_noise(raw: bytes) -> None:
    assert isinstance(agree(raw), Rejected)


@settings(max_examples=200, deadline=None)
@given(documents(), documents())
@example(VISIT | {"event_id": 5, "zz": 1e308}, VISIT)
@example(VISIT | {"zz": 10**30}, VISIT | {"zz": 1})
def test_of_a_repeated_name_the_last_counts_for_both(first: dict[str, Any], last: dict[str, Any]) -> None:
    raw = _encoded(first, True)[:-1] + b"," + _encoded(last, True)[1:]
    agree(raw)


POISON = {
    b"\xff\xfe": Reason.BAD_UTF8,
    b'{"event_id": "\xed\xa0\x80"}': Reason.BAD_UTF8,
    b"": Reason.BAD_JSON,
    b"{": Reason.BAD_JSON,
    b"null": Reason.BAD_JSON,
    b"[]": Reason.BAD_JSON,
    b"17": Reason.BAD_JSON,
    b'"page_viewed"': Reason.BAD_JSON,
    b"\xef\xbb\xbf{}": Reason.BAD_JSON,
    b"\x00\x00\x00\x00\x01{}": Reason.BAD_JSON,
    b"{} {}": Reason.BAD_JSON,
    '{"event_id": "é"}'.encode("utf-16"): Reason.BAD_UTF8,
    b"[" * 100_000: Reason.TOO_DEEP,
    b'{"a":' * 100_000: Reason.TOO_DEEP,
    wire(employees=float("nan")): Reason.NOT_REPRESENTABLE,
    wire(zz=float("-inf")): Reason.NOT_REPRESENTABLE,
    wire(employees=0)[:-1] + b', "zz": 1e400}': Reason.NOT_REPRESENTABLE,
    wire(employees=0)[:-1] + b', "budget": -1e400}': Reason.NOT_REPRESENTABLE,
    wire(employees=10**400): Reason.NOT_REPRESENTABLE,
    wire()[:-1] + b', "zz": ' + b"9" * 10_000 + b"}": Reason.NOT_REPRESENTABLE,
    wire(event_id="a\ud800"): Reason.NOT_REPRESENTABLE,
    wire(email="\udc00@example.jp"): Reason.NOT_REPRESENTABLE,
    b"{}": Reason.BAD_FIELD,
    wire(event_id=5): Reason.BAD_FIELD,
    wire(event_id=True): Reason.BAD_FIELD,
    wire(event_id=None): Reason.BAD_FIELD,
    wire(event_id=""): Reason.BAD_FIELD,
    wire(event_id="x" * 101): Reason.BAD_FIELD,
    wire(type=None): Reason.BAD_FIELD,
    wire(type=["page_viewed"]): Reason.BAD_FIELD,
    wire(occurred_at=1_762_045_200): Reason.BAD_FIELD,
    wire(occurred_at="2026-11-02T01:00:00"): Reason.BAD_FIELD,
    wire(occurred_at="yesterday"): Reason.BAD_FIELD,
    wire(occurred_at="1969-12-31T23:59:59Z"): Reason.BAD_FIELD,
    wire(received_at="0001-01-01T00:00:00Z"): Reason.BAD_FIELD,
    wire(anonymous_id=17): Reason.BAD_FIELD,
    wire(user_id={"id": 1}): Reason.BAD_FIELD,
    wire(email=["mika@example.jp"]): Reason.BAD_FIELD,
    wire(url=5): Reason.BAD_FIELD,
    wire(is_machine=1): Reason.BAD_FIELD,
    wire(is_machine="false"): Reason.BAD_FIELD,
    wire(schema_version=True): Reason.BAD_FIELD,
    wire(schema_version=1.0): Reason.BAD_FIELD,
    wire(source_kind="satellite"): Reason.BAD_FIELD,
    wire(type="custom", properties=[1]): Reason.BAD_FIELD,
    wire(type="activity_retracted"): Reason.BAD_FIELD,
    wire(type="relationship_set", relationship="friend"): Reason.BAD_FIELD,
    wire(type="page_view"): Reason.UNKNOWN_TYPE,
    wire(anonymous_id=None): Reason.MISSING_IDENTITY,
    wire(anonymous_id="  "): Reason.MISSING_IDENTITY,
    wire(anonymous_id="x" * 513): Reason.MISSING_IDENTITY,
    wire(anonymous_id=None, email="not an address"): Reason.MISSING_IDENTITY,
    wire(type="identities_linked"): Reason.MISSING_IDENTITY,
    wire(type="relationship_set", relationship="customer", anonymous_id=None, company_domain=" "): (
        Reason.MISSING_IDENTITY
    ),
}


@pytest.mark.parametrize(("raw", "reason"), POISON.items(), ids=lambda value: repr(value)[:60])
def test_each_kind_of_poison_is_refused_for_its_reason(raw: bytes, reason: Reason) -> None:
    refused = agree(raw)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason


def test_a_tombstone_is_refused() -> None:
    assert rejected(None).reason == Reason.NULL_VALUE


def test_nesting_is_taken_up_to_the_limit_and_brackets_in_text_do_not_count() -> None:
    levels = MAX_DEPTH - 1  # the event itself is one

    def nested(depth: int) -> bytes:
        return wire()[:-1] + b', "zz": ' + b"[" * depth + b"]" * depth + b"}"

    assert isinstance(agree(nested(levels)), Event)
    assert isinstance(agree(nested(levels + 1)), Rejected)
    assert isinstance(agree(wire(title="[{" * 500, url='"\\"' + "[" * 100)), Event)
    assert isinstance(agree(wire(zz=[[1]] * 100)), Event)


@pytest.mark.parametrize("value", [5, 1.5, True, None, [1, {"a": []}], {"a": 1}, "\ud83d", 10**30, "約１００名"])
@pytest.mark.parametrize(
    "field", ["employees", "first_name", "title", "message", "form_type", "consent_processing"]
)
def test_a_form_attribute_is_never_a_reason_to_refuse(field: str, value: Any) -> None:
    event = agree(wire({field: value}, type="form_submitted"))
    assert isinstance(event, Event)


def test_a_field_of_a_form_that_should_be_text_is_read_as_text() -> None:
    event = accepted(wire(type="form_submitted", form_id=17, offer_id=True, message={"a": [1.5]}))
    assert (event.form_id, event.offer_id, event.message) == ("17", "true", '{"a":[1.5]}')


def test_text_cut_inside_a_character_is_kept_with_a_replacement_character() -> None:
    assert accepted(wire(type="form_submitted", message="thanks \ud83d")).message == "thanks \ufffd"


def test_an_integer_beyond_64_bits_becomes_a_double() -> None:
    assert accepted(wire(type="form_submitted", budget=10**30)).budget == 1e30


def test_unknown_fields_are_kept_and_found_by_name() -> None:
    event = accepted(wire(plan="pro", at=7, context={"ip": "198.51.100.7"}, properties="none"))
    assert event.extra == {"plan": "pro", "at": 7, "context": {"ip": "198.51.100.7"}, "properties": "none"}
    assert event.field("plan") == "pro"
    assert event.field("type") == "page_viewed"
    assert event.field("extra") is None
    assert accepted(wire()).field("plan") is None
    assert event.at == accepted(wire()).at


def test_times_are_unix_milliseconds_and_an_absent_arrival_is_none() -> None:
    event = accepted(wire(occurred_at="2026-11-02T10:00:00.1234+09:00"))
    assert (event.at, event.received) == (1_793_581_200_123, None)
    assert accepted(wire(received_at="2026-11-02T01:00:00Z")).received == 1_793_581_200_000


def test_what_the_sender_leaves_out_has_its_default() -> None:
    for event in (accepted(wire()), accepted(wire(source_kind=None, is_machine=None, schema_version=None))):
        assert (event.source_kind, event.is_machine, event.schema_version) == ("server", False, 1)
        assert event.is_human
    assert not accepted(wire(is_machine=True)).is_human


def test_text_that_is_no_address_counts_as_absent() -> None:
    assert accepted(wire(email="n/a")).email is None
    assert accepted(wire(user_id=" \t")).user_id is None


def test_a_company_domain_stands_in_for_a_person_where_a_relationship_is_set() -> None:
    fields = {"type": "relationship_set", "relationship": "customer", "company_domain": "example.jp"}
    assert accepted(wire(fields, anonymous_id=None)).company_domain == "example.jp"
    assert rejected(wire(fields, anonymous_id=None, type="page_viewed")).reason == Reason.MISSING_IDENTITY


def test_a_refusal_never_repeats_a_value() -> None:
    secret = "mika@example.jp"
    for field in [*FIELDS, "zz"]:
        for value in (secret, [secret], {secret: secret}):
            for kind in MODELS:
                outcome = decode(wire({"type": kind, field: value}, {secret: 1}))
                assert not isinstance(outcome, Rejected) or secret not in outcome.detail


@given(st.one_of(EMAILS, IDS).filter(lambda text: text.isprintable()))
def test_an_identity_is_one_for_the_contract_if_it_is_one_for_the_lead_keys(text: str) -> None:
    secret = Secret(b"a secret of the tests")
    assert bool(lead_keys(text, None, None, secret)) == bool(accepted(wire(email=text)).email)
    assert bool(lead_keys(None, text, None, secret)) == bool(accepted(wire(user_id=text)).user_id)
    assert not fast._plain(text) or address(text) is not None


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_type_is_taken_from_its_topics_only(kind: str) -> None:
    event = accepted(wire(type=kind, retracts="e-0", relationship="none", user_id="u-1"))
    taken = {topic for topic in INPUTS if refusal(event, topic, event.at) is None}
    if kind == "activity_retracted":
        assert taken == set(INPUTS)
    elif kind in FEEDBACK_TYPES:
        assert taken == {SALES_FEEDBACK}
    else:
        assert kind in ACTIVITY_TYPES
        assert taken == set(INPUTS) - {SALES_FEEDBACK}


def test_an_event_dated_more_than_an_hour_after_its_arrival_is_refused() -> None:
    event = accepted(wire())
    assert refusal(event, WEB_VISITS, event.at - 3_600_000) is None
    refused = refusal(event, EMAIL_ENGAGEMENT, event.at - 3_600_001)
    assert refused is not None
    assert refused.reason == Reason.FUTURE


def test_the_event_has_every_field_of_every_model_and_no_other() -> None:
    assert {name for model in MODELS.values() for name in model.model_fields} == FIELDS


def test_the_decoder_stays_pure() -> None:
    forbidden = {"time", "datetime", "os", "random", "logging", "faust", "aiokafka", "asyncio", "socket"}
    tree = ast.parse(Path(fast.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & forbidden
