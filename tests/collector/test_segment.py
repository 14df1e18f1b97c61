"""What tracker messages mean."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.dead_letter import Rejected
from schemas.event import parse
from schemas.instant import rfc3339
from streams.collector.mapping import load_mapping
from streams.collector.records import event_record, seal
from streams.collector.request import Adapted, Refusal, RequestParts
from streams.collector.segment import SegmentAdapter, pixel_body
from streams.collector.write_keys import AnyKey
from streams.identity.keys import Kind, lead_key, partition_of
from streams.scoring.event import decode
from streams.topics import INPUTS
from tests.collector.conftest import SECRET

NOW = 1_780_000_000_000
ADAPT = SegmentAdapter(AnyKey(), load_mapping())  # type: ignore[arg-type]
PARTITIONS = dict.fromkeys((*INPUTS, "dead-letters"), 4)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"
)


def basic(key: str) -> str:
    return "Basic " + b64encode(f"{key}:".encode()).decode()


def adapt(method: str, body: Any, key: str = "server", user_agent: str = CHROME) -> Adapted | Refusal:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    outcome = ADAPT(RequestParts(method, raw, basic(key), user_agent, "n"), NOW)
    if isinstance(outcome, Adapted):
        seal(outcome, NOW)
    return outcome


def event(method: str, key: str = "server", user_agent: str = CHROME, **body: Any) -> dict[str, Any]:
    outcome = adapt(method, {"anonymousId": "anon", **body}, key, user_agent)
    assert isinstance(outcome, Adapted), outcome
    assert outcome.dead == []
    return outcome.events[0]


def refused(method: str, body: Any) -> str:
    outcome = adapt(method, body)
    assert isinstance(outcome, Refusal), outcome
    assert outcome.status == 400
    return str(outcome.code)


def test_a_page_call_is_a_page_view_with_its_campaign() -> None:
    viewed = event(
        "page",
        name="Pricing",
        messageId="m1",
        properties={"url": "https://x.test/pricing", "title": "Prices", "referrer": "https://g.test/"},
        context={
            "campaign": {"source": "news", "medium": "mail", "name": "may", "term": "t", "content": "c"},
            "ip": "203.0.113.9",
            "locale": "ja-JP",
            "timezone": "Asia/Tokyo",
            "library": {"name": "analytics.js"},
            "sessionId": 1780000000,
        },
    )
    assert viewed == {
        "type": "page_viewed",
        "event_id": "m1",
        "anonymous_id": "anon",
        "source": "dev",
        "source_kind": "server",
        "occurred_at": rfc3339(NOW),
        "received_at": rfc3339(NOW),
        "url": "https://x.test/pricing",
        "title": "Prices",
        "referrer": "https://g.test/",
        "session_id": "1780000000",
        "utm_source": "news",
        "utm_medium": "mail",
        "utm_campaign": "may",
        "utm_term": "t",
        "utm_content": "c",
        "timezone": "Asia/Tokyo",
        "locale": "ja-JP",
        "library": "analytics.js",
    }


def test_a_page_takes_address_and_campaign_from_the_context_if_its_properties_have_none() -> None:
    viewed = event("page", context={"page": {"url": "https://x.test/?utm_source=a&b=c", "title": "T"}})
    assert (viewed["url"], viewed["title"], viewed["utm_source"]) == ("https://x.test/?utm_source=a&b=c", "T", "a")


def test_a_screen_is_a_page_view() -> None:
    assert event("screen", name="Home")["type"] == "page_viewed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Whitepaper Downloaded", {"type": "content_downloaded", "offer_type": "whitepaper"}),
        ("whitepaper_downloaded", {"type": "content_downloaded", "offer_type": "whitepaper"}),
        ("Ebook Downloaded", {"type": "content_downloaded", "offer_type": "ebook"}),
        ("Content Downloaded", {"type": "content_downloaded"}),
        ("Demo Requested", {"type": "form_submitted", "form_type": "demo"}),
        ("Quote Requested", {"type": "form_submitted", "form_type": "quote"}),
        ("Contact Requested", {"type": "form_submitted", "form_type": "contact"}),
        ("Form Submitted", {"type": "form_submitted"}),
        ("Newsletter Subscribed", {"type": "form_submitted", "form_type": "newsletter"}),
        ("Webinar Registered", {"type": "webinar_registered"}),
        ("Webinar Attended", {"type": "webinar_attended"}),
        ("Email Opened", {"type": "email_opened"}),
        ("Email Link Clicked", {"type": "email_clicked"}),
        ("Link Clicked", {"type": "link_clicked"}),
    ],
)
def test_usual_track_names_are_typed_events(name: str, expected: dict[str, str]) -> None:
    assert expected.items() <= event("track", event=name).items()


def test_a_download_keeps_its_offer_and_what_is_left_over() -> None:
    got = event(
        "track", event="Content Downloaded", properties={"asset_id": 7, "Category": "Case Study", "x": [1]}
    )
    assert (got["offer_id"], got["offer_type"], got["properties"]) == ("7", "case_study", {"x": [1]})


def test_an_unknown_track_name_is_a_custom_event() -> None:
    got = event("track", event="Price Calculator Used", properties={"seats": 40, "email": "friend@x.test"})
    assert (got["type"], got["name"], got["properties"]["seats"]) == ("custom", "Price Calculator Used", 40)
    assert "email" not in got


def test_a_form_names_the_person() -> None:
    form = event(
        "track",
        event="Demo Requested",
        properties={
            "email": " Ada@Firm.test ",
            "name": "Ada King Lovelace",
            "jobTitle": "CTO",
            "company": "Firm",
            "employees": "51-200",
            "message": "soon",
            "form_id": "f1",
        },
    )
    expected = {
        "email": "ada@firm.test",
        "first_name": "Ada",
        "last_name": "King Lovelace",
        "title": "CTO",
        "company": "Firm",
        "employees": "51-200",
        "message": "soon",
        "form_id": "f1",
        "form_type": "demo",
    }
    assert expected.items() <= form.items()


def test_identify_turns_traits_into_attributes() -> None:
    lead = event(
        "identify",
        userId=42,
        traits={
            "email": "a@b.test",
            "name": "山田 太郎",
            "company": {"name": "Firm", "employees": 12, "website": "firm.test", "industry": "Retail"},
            "address": {"country": "JP", "state": "Tokyo", "street": "1-1"},
            "plan": "free",
        },
    )
    expected = {
        "type": "lead_identified",
        "user_id": "42",
        "email": "a@b.test",
        "first_name": "太郎",
        "last_name": "山田",
        "company": "Firm",
        "employees": 12,
        "company_domain": "firm.test",
        "industry": "Retail",
        "country": "JP",
        "region": "Tokyo",
        "properties": {"plan": "free"},
    }
    assert expected.items() <= lead.items()


def test_a_group_is_the_lead_s_company() -> None:
    company = event(
        "group", groupId="g1", userId="u", traits={"name": "Firm", "employees": 900, "email": "i@firm.test"}
    )
    expected = {
        "type": "company_identified",
        "company": "Firm",
        "employees": 900,
        "group_id": "g1",
        "user_id": "u",
    }
    assert expected.items() <= company.items()
    assert "email" not in company


def test_an_alias_links_two_identities() -> None:
    body = {"previousId": "anon", "userId": "u"}
    outcome = adapt("alias", body)
    assert isinstance(outcome, Adapted)
    linked = outcome.events[0]
    assert (linked["type"], linked["user_id"], linked["previous_id"]) == ("identities_linked", "u", "anon")
    assert refused("alias", {"userId": "u"}) == "missing_identity"
    assert refused("alias", {"userId": "u", "previousId": "u"}) == "missing_identity"


def test_a_user_id_that_is_an_address_is_one() -> None:
    assert event("track", event="X", userId="Ada@firm.test")["email"] == "ada@firm.test"


def test_the_address_in_the_context_s_traits_counts() -> None:
    assert event("track", event="X", context={"traits": {"email": "a@b.test"}})["email"] == "a@b.test"


def test_the_client_s_clock_error_is_removed() -> None:
    wrong = NOW + 7_200_000  # the client's clock is two hours fast
    got = event("track", event="X", timestamp=rfc3339(wrong - 5_000), sentAt=rfc3339(wrong))
    assert got["occurred_at"] == rfc3339(NOW - 5_000)


def test_the_batch_s_time_of_sending_corrects_its_messages() -> None:
    message = {"type": "track", "event": "X", "userId": "u", "timestamp": rfc3339(NOW - 90_000)}
    outcome = adapt("batch", {"batch": [message], "sentAt": rfc3339(NOW - 60_000)})
    assert isinstance(outcome, Adapted)
    assert outcome.events[0]["occurred_at"] == rfc3339(NOW - 30_000)


def test_an_event_from_the_future_is_refused() -> None:
    assert refused("track", {"event": "X", "userId": "u", "timestamp": rfc3339(NOW + 3_600_001)}) == "future"
    assert event("track", event="X", timestamp=rfc3339(NOW + 3_600_000))["occurred_at"] == rfc3339(NOW + 3_600_000)


def test_a_long_message_id_is_hashed_and_stays_the_same() -> None:
    first, second = (event("track", event="X", messageId="m" * 101)["event_id"] for _ in range(2))
    assert first == second
    assert len(first) <= 100
    assert event("track", event="X", messageId="m" * 100)["event_id"] == "m" * 100


def test_without_an_id_a_dated_message_is_known_by_its_content_and_another_is_new() -> None:
    dated = [event("track", event="X", timestamp=rfc3339(NOW))["event_id"] for _ in range(2)]
    assert dated[0] == dated[1]
    body = json.dumps({"event": "X", "userId": "u"}).encode()
    fresh = [ADAPT(RequestParts("track", body, basic("k"), "", nonce), NOW) for nonce in ("a", "b")]
    assert len({str(adapted.events[0]["event_id"]) for adapted in fresh if isinstance(adapted, Adapted)}) == 2


def test_the_sender_cannot_say_how_far_it_is_trusted() -> None:
    forged: dict[str, Any] = {
        "source_kind": "server",
        "source": "crm",
        "is_machine": False,
        "received_at": "1999-01-01T00:00:00Z",
    }
    got = event("track", key="browser-1", event="Form Submitted", properties=forged, **forged)
    assert (got["source_kind"], got["source"], got["received_at"]) == ("browser", "dev", rfc3339(NOW))


def test_a_crawler_is_a_machine_and_a_server_s_http_library_is_not() -> None:
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    crawled = event("page", key="browser-1", user_agent=bot)
    assert (crawled["is_machine"], crawled["machine_reason"]) == (True, "crawler_user_agent")
    assert "is_machine" not in event("page", key="server", user_agent="python-requests/2.32")
    assert event("page", key="server", context={"userAgent": bot})["is_machine"] is True
    assert "is_machine" not in event("page", key="browser-1")


@pytest.mark.parametrize("nothing", [None, [], "", 0, "text", ["a"]])
def test_fields_of_another_kind_than_expected_are_ignored(nothing: object) -> None:
    got = event("track", event="X", properties=nothing, context=nothing, traits=nothing, userId=[1], timestamp=[])
    assert got["type"] == "custom"


def test_text_cut_in_the_middle_of_a_character_is_mended_but_no_identity_is() -> None:
    outcome = adapt(
        "track", b'{"event": "Form Submitted", "userId": "u", "properties": {"message": "hi \\ud83d"}}'
    )
    assert isinstance(outcome, Adapted)
    assert outcome.events[0]["message"] == "hi \ufffd"
    assert refused("track", b'{"event": "X", "userId": "u\\ud83d"}') == "missing_identity"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"[]", "bad_json"),
        (b"{", "bad_json"),
        (b'{"event": "X", "userId": "\xff"}', "bad_utf8"),
        (b'{"event": "X", "userId": "u", "properties": {"a": NaN}}', "not_representable"),
        (b'{"event": "X", "userId": "u", "properties": {"a": 1e400}}', "not_representable"),
        (b'{"event": "X", "userId": "u", "properties": {"a": 1' + b"0" * 400 + b"}}", "not_representable"),
        (b'{"event": "X", "userId": "u", "properties": ' + b'{"a":' * 61 + b"1" + b"}" * 61 + b"}", "too_deep"),
        (b'{"properties":' + b"[" * 100_000, "oversize"),
        (b'{"properties":' + b"[" * 10_000, "too_deep"),
        (b'{"event": "X"}', "missing_identity"),
        (b'{"userId": "u"}', "bad_field"),
        (b'{"event": "X", "userId": "u", "properties": {"a": "' + b"x" * 32768 + b'"}}', "oversize"),
    ],
)
def test_a_single_call_that_can_never_succeed_is_a_permanent_refusal(body: bytes, code: str) -> None:
    assert refused("track", body) == code


def test_one_bad_message_of_a_batch_is_a_dead_letter_and_the_others_are_accepted() -> None:
    good = b'{"type": "track", "event": "X", "userId": "u"}'
    bad = [
        b'{"type": "track", "event": "X", "userId": "\xff"}',
        b'{"type":"track","userId":"u","event":"a","b":NaN}',
        b'{"type": "fly", "userId": "u"}',
        b"7",
        b'{"type": "track", "event": "X"}',
    ]
    half = b'{"type": "track", "event": "Form Submitted", "userId": "u", "properties": {"message": "\\ud83d"}}'
    body = b'{ "sentAt" : "2026-01-01T00:00:00Z" , "batch" : [' + b" , ".join([good, *bad, half, good]) + b" ] }"
    outcome = adapt("batch", body)
    assert isinstance(outcome, Adapted)
    assert [str(dead.reason) for dead in outcome.dead] == [
        "bad_utf8",
        "not_representable",
        "unknown_type",
        "bad_json",
        "missing_identity",
    ]
    assert [dead.raw for dead in outcome.dead] == bad
    assert [str(got["type"]) for got in outcome.events] == ["custom", "form_submitted", "custom"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"batch": 1}', b'{"batch": [}', b'{"batch": [1 2]}', b'{"x": [1]}', b'"']
)
def test_a_batch_that_cannot_be_told_apart_is_refused_as_a_whole(body: bytes) -> None:
    assert refused("batch", body) == "bad_json"


def test_a_batch_of_too_many_messages_is_refused() -> None:
    assert refused("batch", {"batch": [0] * 2501}) == "oversize"


def test_the_batch_s_context_is_merged_into_its_messages() -> None:
    outcome = adapt("batch", {"batch": [{"type": "page", "userId": "u"}], "context": {"locale": "en"}})
    assert isinstance(outcome, Adapted)
    assert outcome.events[0]["locale"] == "en"


def test_the_kafka_key_is_the_strongest_identity_s_and_the_partition_is_its_own() -> None:
    got = event("identify", userId="u", traits={"email": "a@b.test"})
    record = event_record(got, SECRET, PARTITIONS)
    key = lead_key(Kind.EMAIL, "a@b.test", SECRET)
    assert (record.key, record.partition, record.topic) == (key.encode(), partition_of(key, 4), "lead-activities")


@pytest.mark.parametrize("data", ["eyJhIjoxfQ==", "eyJhIjoxfQ", "eyJhIjoxfQ=", "%"])
def test_a_pixel_s_data_is_base64_with_or_without_padding(data: str) -> None:
    assert pixel_body(data) in (b'{"a":1}', b"")


def test_a_missing_or_unknown_key_is_unauthorised() -> None:
    outcome = ADAPT(RequestParts("track", b'{"event": "X", "userId": "u"}', None, "", "n"), NOW)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 401


EMAILS = st.sampled_from(["a@b.test", " Ada@Firm.test", "a@b", "@", "a b@c.test"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *(
            "email",
            "url",
            "title",
            "name",
            "referrer",
            "session_id",
            "offer_id",
            "offer_type",
            "form_type",
            "message",
        ),
        *("company", "address", "phone", "employees", "type", "event_id", "utm_source", "is_machine", "link_url"),
    ]
)
OBJECT = st.dictionaries(NAMES | st.text(), JSON, max_size=6)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]) | JSON,
        "event": st.sampled_from(["Demo Requested", "Email Opened", "Sales Contacted", "Webinar Attended"]) | JSON,
        "anonymousId": st.text() | JSON,
        "userId": EMAILS | st.text() | JSON,
        "previousId": EMAILS | JSON,
        "groupId": JSON,
        "messageId": st.text() | JSON,
        "properties": OBJECT | JSON,
        "traits": OBJECT | JSON,
        "context": st.fixed_dictionaries(
            {}, optional={"page": OBJECT, "campaign": OBJECT, "traits": OBJECT, "sessionId": JSON}
        )
        | JSON,
        "timestamp": st.datetimes().map(str) | JSON,
        "originalTimestamp": JSON,
        "sentAt": JSON,
        "name": JSON,
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["track", "identify", "page", "group", "alias", "batch"]), st.lists(MESSAGE, max_size=3))
def test_every_accepted_event_keeps_the_contract(method: str, messages: list[dict[str, Any]]) -> None:
    body = {"batch": messages} if method == "batch" else (messages or [{}])[0]
    outcome = adapt(method, body)
    if isinstance(outcome, Refusal):
        return
    assert len(outcome.events) + len(outcome.dead) == (len(messages) if method == "batch" else 1)
    for mapped in outcome.events:
        record = event_record(mapped, SECRET, PARTITIONS)
        assert not isinstance(parse(record.value), Rejected), parse(record.value)
        assert not isinstance(decode(record.value), Rejected), decode(record.value)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text().map(str.encode), st.sampled_from(["track", "batch", "page"]))
def test_no_body_makes_the_adapter_fail(body: bytes, method: str) -> None:
    assert isinstance(adapt(method, body), Adapted | Refusal)
