"""What Snowplow's events mean."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from schemas.dead_letter import Rejected
from schemas.event import parse
from schemas.instant import rfc3339
from streams.collector.mapping import Mapping
from streams.collector.records import seal
from streams.collector.request import PICTURE, Adapted, Refusal, RequestParts
from streams.collector.snowplow import SnowplowAdapter
from streams.collector.snowplow_payload import MAX_EVENTS
from streams.collector.write_keys import AnyKey, WriteKeys

NOW = 1_780_000_000_000
FORM = "iglu:com.snowplowanalytics.snowplow/submit_form/jsonschema/1-0-0"
SESSION = "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2"
USER = "iglu:com.snowplowanalytics.snowplow.ecommerce/user/jsonschema/1-0-0"
LINK = "iglu:com.snowplowanalytics.snowplow/link_click/jsonschema/1-0-1"
WHO = {"aid": "browser-shop", "duid": "device", "eid": "e1"}


@pytest.fixture
def adapter(mapping: Mapping) -> SnowplowAdapter:
    return SnowplowAdapter(AnyKey(), mapping)


def posted(adapter: SnowplowAdapter, *events: Any, **more: Any) -> Adapted | Refusal:
    body = json.dumps({"schema": "iglu:x/payload_data/jsonschema/1-0-4", "data": events}).encode()
    outcome = adapter.posted(RequestParts("snowplow_post", body, nonce="n", **more), NOW)
    if isinstance(outcome, Adapted):
        seal(outcome, NOW)
    return outcome


def one(adapter: SnowplowAdapter, **fields: Any) -> dict[str, Any]:
    """The event that these fields are, which the contract accepts."""
    outcome = posted(adapter, {**WHO, **fields})
    assert isinstance(outcome, Adapted), outcome
    assert outcome.dead == []
    (event,) = outcome.events
    assert not isinstance(parse(json.dumps(event).encode()), Rejected)
    return event


def described(schema: str, data: Any) -> str:
    return json.dumps(
        {"schema": "iglu:x/unstruct_event/jsonschema/1-0-0", "data": {"schema": schema, "data": data}}
    )


def with_entities(*found: tuple[str, Any]) -> str:
    inner = [{"schema": schema, "data": data} for schema, data in found]
    return json.dumps({"schema": "iglu:x/contexts/jsonschema/1-0-0", "data": inner})


def base64(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_page_view_keeps_page_campaign_session_and_corrected_time(adapter: SnowplowAdapter) -> None:
    assert one(
        adapter,
        e="pv",
        url="https://x.test/pricing?utm_source=news",
        page="Prices",
        refr="https://g.test/",
        uid="u1",
        sid="s1",
        tz="Asia/Tokyo",
        lang="ja-JP",
        tv="js-4.10",
        dtm="1000000000000",
        stm="1000000004000",
    ) == {
        "type": "page_viewed",
        "event_id": "e1",
        "anonymous_id": "device",
        "user_id": "u1",
        "source": "dev",
        "source_kind": "browser",
        "occurred_at": rfc3339(NOW - 4000),
        "received_at": rfc3339(NOW),
        "url": "https://x.test/pricing?utm_source=news",
        "title": "Prices",
        "referrer": "https://g.test/",
        "session_id": "s1",
        "utm_source": "news",
        "timezone": "Asia/Tokyo",
        "locale": "ja-JP",
        "library": "js-4.10",
    }  # fmt: skip


def test_a_true_timestamp_is_believed_as_it_is(adapter: SnowplowAdapter) -> None:
    event = one(adapter, e="pv", ttm=str(NOW - 60_000), dtm="5", stm="9")
    assert event["occurred_at"] == rfc3339(NOW - 60_000)


@pytest.mark.parametrize("encode", [False, True])
def test_self_describing_events_are_read_plain_and_in_base64(adapter: SnowplowAdapter, encode: bool) -> None:
    text = described("iglu:com.acme/demo_requested/jsonschema/1-0-0", {"email": "ada@firm.test", "note": "日本"})
    event = one(adapter, e="ue", **({"ue_px": base64(text)} if encode else {"ue_pr": text}))
    assert (event["type"], event["form_type"], event["email"]) == ("form_submitted", "demo", "ada@firm.test")
    assert event["properties"] == {"note": "日本"} or event["message"] == "日本"
    assert event["schema"] == "iglu:com.acme/demo_requested/jsonschema/1-0-0"


@pytest.mark.parametrize("encode", [False, True])
def test_entities_name_user_and_session(adapter: SnowplowAdapter, encode: bool) -> None:
    text = with_entities(
        (
            "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
            {"userId": "d2", "sessionId": "s2"},
        ),
        (
            "iglu:com.snowplowanalytics.snowplow.ecommerce/user/jsonschema/1-0-0",
            {"id": "u2", "email": "a@firm.test"},
        ),
    )
    event = one(adapter, e="pv", duid="", **({"cx": base64(text)} if encode else {"co": text}))
    assert (event["anonymous_id"], event["session_id"]) == ("d2", "s2")
    assert (event["user_id"], event["email"]) == ("u2", "a@firm.test")


def test_entities_that_cannot_be_read_do_not_cost_the_event(adapter: SnowplowAdapter) -> None:
    for broken in (
        {"cx": "%%%"},
        {"co": "{"},
        {"co": "[]"},
        {"co": '{"data": [1, {"schema": 2}]}'},
        {"co": "\ud800"},
    ):
        assert one(adapter, e="pv", **broken)["type"] == "page_viewed"


def test_a_form_s_fields_are_the_person_s(adapter: SnowplowAdapter) -> None:
    elements = [
        {"name": "contact", "value": "Ada@Firm.test", "nodeName": "INPUT", "type": "email"},
        {"name": "company", "value": "Firm", "nodeName": "INPUT", "type": "text"},
        {"name": None, "value": "x"},
        7,
    ]
    text = described(FORM, {"formId": "f1", "formClasses": [], "elements": elements})
    event = one(adapter, e="ue", ue_pr=text)
    assert (event["type"], event["form_id"]) == ("form_submitted", "f1")
    assert (event["email"], event["company"]) == ("ada@firm.test", "Firm")


def test_what_is_typed_but_not_sent_is_not_kept(adapter: SnowplowAdapter) -> None:
    schema = "iglu:com.snowplowanalytics.snowplow/change_form/jsonschema/1-0-0"
    typed = {"formId": "f", "elementId": "mail", "value": "ada@firm.test"}
    event = one(adapter, e="ue", ue_pr=described(schema, typed))
    assert (event["type"], event["name"]) == ("custom", "change_form")
    assert "ada@" not in json.dumps(event)


def test_a_followed_link_is_one(adapter: SnowplowAdapter) -> None:
    event = one(adapter, e="ue", ue_pr=described(LINK, {"targetUrl": "https://y.test/", "elementId": "cta"}))
    assert (event["type"], event["link_url"], event["name"]) == ("link_clicked", "https://y.test/", "cta")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"se_ac": "whitepaper downloaded"},
            {"type": "content_downloaded", "offer_type": "whitepaper"},
        ),
        ({"se_ca": "Demo", "se_ac": "Requested"}, {"type": "form_submitted", "form_type": "demo"}),
        ({"se_ca": "video", "se_ac": "play", "se_va": "7"}, {"type": "custom", "name": "play"}),
    ],
)
def test_structured_events_are_known_by_action_or_by_category_and_action(
    adapter: SnowplowAdapter, fields: dict[str, str], expected: dict[str, str]
) -> None:
    assert expected.items() <= one(adapter, e="se", **fields).items()


def test_other_events_are_custom_ones_with_their_details(adapter: SnowplowAdapter) -> None:
    ping = one(adapter, e="pp", pp_miy="3")
    assert (ping["type"], ping["name"], ping["properties"]) == ("custom", "page_ping", {"pp_miy": "3"})
    own = one(adapter, e="ue", ue_pr=described("iglu:com.acme/seats_chosen/jsonschema/1-0-0", {"seats": 40}))
    assert (own["type"], own["name"], own["properties"]) == ("custom", "seats_chosen", {"seats": 40})


def test_without_a_device_the_session_holds_events_together(adapter: SnowplowAdapter) -> None:
    assert one(adapter, e="pv", duid="", sid="s9")["anonymous_id"] == "s9"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"e": "pv", "duid": ""}, "missing_identity"),
        ({"e": "ue", "ue_pr": "{"}, "bad_json"),
        ({"e": "ue", "ue_px": "a"}, "bad_field"),
        ({"e": "ue", "ue_pr": "[" * 70 + "]" * 70}, "too_deep"),
        ({"e": "ue", "ue_pr": '{"data": {"schema": "iglu:a/b/c/1", "data": {"x": NaN}}}'}, "not_representable"),
        ({"e": "ue"}, "bad_field"),
        ({}, "bad_field"),
        ({"e": "pv", "url": "x" * 70_000}, "oversize"),
        ({"e": {"x": 1}}, "bad_json"),
    ],
)
def test_a_bad_event_is_a_dead_letter_and_its_neighbours_are_not(
    adapter: SnowplowAdapter, fields: dict[str, Any], reason: str
) -> None:
    bad = {**WHO, **fields}
    outcome = posted(adapter, {**WHO, "e": "pv"}, bad)
    assert isinstance(outcome, Adapted)
    assert len(outcome.events) == 1
    assert [(dead.reason, json.loads(dead.raw)) for dead in outcome.dead] == [(reason, bad)]


def test_one_request_is_of_one_known_application(mapping: Mapping, keys: WriteKeys) -> None:
    adapter = SnowplowAdapter(keys, mapping)
    good = {**WHO, "aid": "public-key", "e": "pv"}
    accepted = posted(adapter, good)
    assert isinstance(accepted, Adapted)
    assert accepted.source.name == "website"
    for events in ([{**good, "aid": "other"}], [good, {**good, "aid": "other"}], [], [{"e": "pv"}]):
        refused = posted(adapter, *events)
        assert isinstance(refused, Refusal)
        assert refused.status == 401


def test_an_event_in_an_address_is_answered_with_a_picture_or_refused(adapter: SnowplowAdapter) -> None:
    good = adapter.got(RequestParts("snowplow_get", b"", query={**WHO, "e": "pv"}), NOW)
    assert isinstance(good, Adapted)
    assert good.answer is PICTURE
    bad = adapter.got(RequestParts("snowplow_get", b"", query={**WHO, "e": "ue", "ue_px": "a"}), NOW)
    assert isinstance(bad, Refusal)
    assert bad.status == 400


def test_too_many_events_are_refused_for_good(adapter: SnowplowAdapter) -> None:
    refused = posted(adapter, *[{"e": "pv"}] * (MAX_EVENTS + 1))
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (400, "oversize")


def test_text_that_was_cut_in_the_middle_of_a_character_is_mended_but_never_an_identity(
    adapter: SnowplowAdapter,
) -> None:
    event = one(adapter, e="pv", page="Prices \ud83d", uid="u\ud83d")
    assert event["title"] == "Prices \ufffd"
    assert "user_id" not in event
