import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams.connectors import salesforce as pure
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from streams.connectors.salesforce import Salesforce
from streams.connectors.salesforce_client import SalesforceSink
from tests.connectors.conftest import settings_of, shipped
from tests.connectors.fake_salesforce import KEY, OWNER, FakeSalesforce, Rewriting, error, failed
from tests.connectors.handoffs import event, handoff, handoff_id, lead_key, update


@pytest.fixture
async def sink(
    salesforce: FakeSalesforce, httpserver: HTTPServer, secrets: dict[str, str]
) -> AsyncIterator[SalesforceSink]:
    settings = settings_of(shipped("salesforce"))
    assert isinstance(settings, Salesforce)
    made = SalesforceSink(settings, Rewriting(httpserver.url_for("/")))
    yield made
    await made.close()


async def deliver(sink: SalesforceSink, *values: bytes) -> list[Outcome]:
    return await sink.deliver([event(value) for value in values])


def leads(fake: FakeSalesforce) -> list[dict[str, Any]]:
    return list(fake.records["Lead"].values())


async def test_a_handoff_becomes_a_lead_and_a_task_for_its_owner_with_the_deadline(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    assert await deliver(sink, handoff(message="見積もりをください")) == [Delivered()]

    (lead,) = leads(salesforce)
    assert lead[KEY] == lead_key(0)
    assert (lead["LastName"], lead["FirstName"], lead["Company"]) == ("美香", "田中", "例示製作所")
    assert lead["Leadstreams_Handoff__c"] == handoff_id(0)
    (task,) = salesforce.records["Task"].values()
    assert (task["WhoId"], task["OwnerId"]) == (lead["Id"], OWNER)
    assert task["Subject"] == "Call 田中 美香, 例示製作所"
    assert task["ActivityDate"] == "2026-11-03"
    assert "見積もりをください" in task["Description"]
    assert "None" not in task["Description"]


async def test_a_repeat_makes_nothing_new(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    for _ in range(3):
        assert await deliver(sink, handoff(0), handoff(1)) == [Delivered(), Delivered()]
    assert len(leads(salesforce)) == 2
    assert len(salesforce.records["Task"]) == 2


async def test_the_second_cycle_is_the_same_lead_with_a_second_task(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    await deliver(sink, handoff(0, cycle=1))
    await deliver(sink, handoff(0, cycle=2))
    (lead,) = leads(salesforce)
    assert lead["Leadstreams_Handoff__c"] == handoff_id(0, 2)
    assert len(salesforce.records["Task"]) == 2


async def test_a_contact_or_lead_with_the_address_is_adopted(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    contact = salesforce.add("Contact", LastName="Tanaka", Email="LEAD0@example.jp", OwnerId="005000000000002AAA")
    lead = salesforce.add("Lead", LastName="Suzuki", Company="K", Email="lead1@example.jp")

    await deliver(sink, handoff(0), handoff(1))

    assert len(leads(salesforce)) == 1
    assert salesforce.records["Lead"][lead][KEY] == lead_key(1)
    known = salesforce.records["Contact"][contact]
    assert (known[KEY], known["LastName"]) == (lead_key(0), "Tanaka")
    assert known["Leadstreams_Score__c"] == 50.0
    assert {t["OwnerId"] for t in salesforce.records["Task"].values() if t["WhoId"] == contact} == {
        known["OwnerId"]
    }


async def test_a_converted_lead_means_its_contact(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    contact = salesforce.add("Contact", LastName="Tanaka")
    salesforce.add(
        "Lead", LastName="T", Company="K", IsConverted=True, ConvertedContactId=contact, **{KEY: lead_key(0)}
    )
    assert await deliver(sink, handoff(0)) == [Delivered()]
    assert salesforce.records["Contact"][contact]["Leadstreams_Handoff__c"] == handoff_id(0)


async def test_what_a_duplicate_rule_finds_is_updated(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    other = salesforce.add("Lead", LastName="Tanaka", Company="K")
    match = {"entityType": "Lead", "matchRecords": [{"record": {"Id": other}}]}

    def rule(sobject: str, record: Any) -> dict[str, Any] | None:
        new = sobject == "Lead" and record.get(KEY) and salesforce.records["Lead"][other].get(KEY) is None
        wanted = salesforce.calls[-1].endswith(KEY)
        return failed("DUPLICATES_DETECTED", duplicateResult={"matchResults": [match]}) if new and wanted else None

    salesforce.refuse = rule
    assert await deliver(sink, handoff(0)) == [Delivered()]
    assert [lead["Id"] for lead in leads(salesforce)] == [other]
    assert salesforce.records["Lead"][other][KEY] == lead_key(0)


async def test_a_duplicate_that_names_nobody_is_refused(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    salesforce.refuse = lambda sobject, _: failed("DUPLICATES_DETECTED") if sobject == "Lead" else None
    assert await deliver(sink, handoff(0)) == [Refused("DUPLICATES_DETECTED")]


async def test_of_a_batch_the_good_records_pass(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    codes = {
        "lead1@example.jp": failed("INVALID_EMAIL_ADDRESS", "Email"),
        "lead2@example.jp": failed("UNABLE_TO_LOCK_ROW"),
    }
    salesforce.refuse = lambda _, record: codes.get(str(record.get("Email")))

    outcomes = await deliver(sink, *(handoff(number) for number in range(4)))

    assert outcomes == [
        Delivered(),
        Refused("INVALID_EMAIL_ADDRESS (Email)"),
        Postponed("UNABLE_TO_LOCK_ROW"),
        Delivered(),
    ]
    assert len(salesforce.records["Task"]) == 2


async def test_a_task_that_is_refused_is_the_events_outcome_and_is_made_next_time(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    salesforce.refuse = lambda sobject, _: failed("UNABLE_TO_LOCK_ROW") if sobject == "Task" else None
    assert await deliver(sink, handoff(0)) == [Postponed("UNABLE_TO_LOCK_ROW")]
    salesforce.refuse = lambda _sobject, _record: None
    assert await deliver(sink, handoff(0)) == [Delivered()]
    assert (len(leads(salesforce)), len(salesforce.records["Task"])) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (error(500, "UNKNOWN_EXCEPTION"), Postponed("HTTP 500")),
        (error(503, "SERVER_UNAVAILABLE", {"Retry-After": "30"}), Postponed("HTTP 503", 30.0, everyone=True)),
        (error(429, "x", {"Retry-After": "5"}), Postponed("HTTP 429", 5.0, everyone=True)),
        (
            error(403, "REQUEST_LIMIT_EXCEEDED"),
            Postponed("HTTP 403 REQUEST_LIMIT_EXCEEDED", everyone=True),
        ),
        (
            error(400, "INVALID_FIELD"),
            Postponed("HTTP 400 INVALID_FIELD", everyone=True, operator=True),
        ),
    ],
)
async def test_what_a_failed_call_means(
    sink: SalesforceSink, salesforce: FakeSalesforce, answer: Response, outcome: Outcome
) -> None:
    salesforce.before = lambda _: answer
    assert await deliver(sink, handoff(0), handoff(1)) == [outcome, outcome]


async def test_an_expired_session_is_renewed(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    await deliver(sink, handoff(0))
    salesforce.expire()
    assert await deliver(sink, handoff(1)) == [Delivered()]


async def test_a_wrong_password_waits_for_an_operator(sink: SalesforceSink, httpserver: HTTPServer) -> None:
    document = {"error": "invalid_client", "error_description": "invalid client credentials"}
    httpserver.clear()
    httpserver.expect_request("/services/oauth2/token").respond_with_json(document, 400)
    outcomes: Sequence[Outcome] = await deliver(sink, handoff(0))
    assert outcomes == [Postponed("authentication failed: check the credentials", everyone=True, operator=True)]


async def test_a_lost_answer_makes_no_second_lead_or_task(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    lost = [True, True]

    def lose(request: Request) -> Response | None:
        return error(502, "x") if request.method != "GET" and lost and lost.pop() else None

    salesforce.after = lose
    outcomes = [await deliver(sink, handoff(0)) for _ in range(3)]
    assert outcomes == [[Postponed("HTTP 502")], [Postponed("HTTP 502")], [Delivered()]]
    assert (len(leads(salesforce)), len(salesforce.records["Task"])) == (1, 1)


async def test_updates_change_the_lead_and_tell_its_owner(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    await deliver(sink, handoff(0))
    await deliver(sink, update(0, "opted_out", reason="Unsubscribed"))
    await deliver(sink, update(0, "new_request", request_type="quote", message="いくらですか"))
    (lead,) = leads(salesforce)
    assert lead["HasOptedOutOfEmail"] is True
    assert lead["Leadstreams_Message__c"] == "いくらですか"
    subjects = [task["Subject"] for task in salesforce.records["Task"].values()]
    assert subjects[1:] == ["No more marketing mail: Unsubscribed", "Asks again: quote"]


async def test_an_erasure_leaves_nothing_of_the_person_in_the_lead(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    await deliver(sink, handoff(0, message="私の電話", phone="+81 3 1234 5678"))
    await deliver(sink, update(0, "erased"))
    (lead,) = leads(salesforce)
    told = json.dumps(lead, ensure_ascii=False)
    assert not any(text in told for text in ("美香", "田中", "example.jp", "私の電話", "+81"))


async def test_a_lead_may_be_deleted_instead(
    salesforce: FakeSalesforce, httpserver: HTTPServer, secrets: dict[str, str]
) -> None:
    text = shipped("salesforce")
    start = text.index("    erased:")
    settings = settings_of(
        text[:start] + "    erased: {delete: true}\n" + text[text.index("    merged:", start) :]
    )
    assert isinstance(settings, Salesforce)
    sink = SalesforceSink(settings, Rewriting(httpserver.url_for("/")))
    await deliver(sink, handoff(0))
    for _ in range(2):
        assert (await deliver(sink, update(0, "erased")))[0] in (Delivered(), Delivered("nothing to change"))
    assert leads(salesforce) == []
    await sink.close()


async def test_an_update_of_somebody_unknown_makes_no_record(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    assert await deliver(sink, update(5)) == [Delivered("nothing to change")]
    assert salesforce.records == {"Lead": {}, "Contact": {}, "Task": {}}


async def test_what_a_spreadsheet_would_execute_is_neutralised(
    sink: SalesforceSink, salesforce: FakeSalesforce
) -> None:
    await deliver(sink, handoff(0, name="=cmd|' /C calc'!A0", company="＝1+1(x)", phone="+49 30 1234"))
    (lead,) = leads(salesforce)
    assert lead["FirstName"].startswith("'=cmd")
    assert lead["Company"] == "'＝1+1(x)"
    assert lead["Phone"] == "+49 30 1234"


async def test_a_preview_asks_nobody(sink: SalesforceSink, salesforce: FakeSalesforce) -> None:
    shown = sink.preview(event(handoff(0)))
    assert shown[0]["fields"][KEY] == lead_key(0)
    assert shown[1]["task"]["Subject"].startswith("Call")
    assert salesforce.calls == []


def test_a_query_cannot_be_broken_out_of() -> None:
    assert pure.literal("o'hara\\' OR Id != '\n") == "'o\\'hara\\\\\\' OR Id != \\' '"


def test_a_login_must_be_whole() -> None:
    from streams.connectors import configuration

    found = configuration.read(b"kind: salesforce\nlogin: {username: {env: X}}\nlead: {fields: {}}\n", "s.yaml")
    assert isinstance(found, list)
    assert "consumer_key + consumer_secret" in str(found[0])


def test_only_codes_and_fields_are_told_of_an_error() -> None:
    told = pure.judge([{"statusCode": "STRING_TOO_LONG", "message": "tanaka@example.jp", "fields": ["Email"]}])
    assert told == Refused("STRING_TOO_LONG (Email)")
