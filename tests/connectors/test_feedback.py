import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import Rejected
from schemas.event import FEEDBACK_TYPES, parse
from streams.connectors.feedback import api, hubspot, rules, salesforce
from streams.connectors.feedback.result import TOLERANCE_MS, UNSIGNED, Refusal, Translated
from tests.connectors.handoffs import handoff_id

NOW = 1_762_048_800_000
SECRET = "s3cret"
URI = "https://collector.example/hooks/hubspot?x=a%3Ab%20c"


def shipped(name: str) -> rules.Rules:
    found = rules.load(rules.SHIPPED / f"{name}.yaml")
    assert isinstance(found, rules.Rules), found
    return found


def taken(found: Translated | Refusal) -> list[dict[str, Any]]:
    assert isinstance(found, Translated), found
    assert all(not isinstance(parse(json.dumps(event).encode()), Rejected) for event in found.events)
    return found.events


# --- POST /v1/feedback


def signed(body: bytes, at: int = NOW, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"{at // 1000}.".encode() + body, "sha256").hexdigest()
    return {"leadstreams-timestamp": str(at // 1000), "leadstreams-signature": f"v1={'0' * 64},v1={digest}"}


ACCEPTED = {"type": "handoff_accepted", "email": "a@example.jp", "handoff_id": handoff_id(0)}


@pytest.mark.parametrize("body", [ACCEPTED, [ACCEPTED], {"batch": [ACCEPTED]}])
def test_one_answer_or_several(body: object) -> None:
    raw = json.dumps(body).encode()
    (event,) = taken(api.translate(raw, signed(raw), [SECRET], NOW))
    assert event["type"] == "handoff_accepted"
    assert event["occurred_at"] == "2025-11-02T02:00:00.000Z"
    (again,) = taken(api.translate(raw, signed(raw), [SECRET], NOW + 1000))
    assert again["event_id"] == event["event_id"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"other"),
        signed(b"{}", secret="wrong"),
        signed(b"{}", NOW - TOLERANCE_MS - 1000),
        signed(b"{}", NOW + TOLERANCE_MS + 1000),
        {**signed(b"{}"), "leadstreams-timestamp": "１"},
    ],
)
def test_an_unsigned_or_old_request_is_refused(headers: dict[str, str]) -> None:
    assert api.translate(b"{}", headers, [SECRET], NOW) == UNSIGNED


def test_either_of_two_secrets_will_do() -> None:
    raw = json.dumps(ACCEPTED).encode()
    assert taken(api.translate(raw, signed(raw, secret="new"), ["old", "new"], NOW))


def test_of_a_batch_the_good_answers_are_taken() -> None:
    raw = json.dumps([ACCEPTED, {"type": "page_viewed", "email": "a@example.jp"}, {"type": "contacted"}]).encode()
    found = api.translate(raw, {}, [], NOW)
    assert isinstance(found, Translated)
    assert [(one.position, one.reason.value) for one in found.wrong] == [
        (1, "unknown_type"),
        (2, "missing_identity"),
    ]
    assert json.loads(found.reply)["accepted"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"[1]", b"{", b'{"batch": 1}', b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_answer_is_refused_whole(body: bytes) -> None:
    found = api.translate(body, {}, [], NOW)
    assert isinstance(found, Refusal)
    assert found.status == 400


@given(st.binary(max_size=200))
def test_no_bytes_break_a_translator(body: bytes) -> None:
    api.translate(body, {}, [], NOW)
    salesforce.translate(body, ["00D000000000001"], shipped("salesforce"), NOW)
    hubspot.changes_of(body)


# --- Salesforce


def message(*notifications: str, organisation: str = "00D000000000001EAA") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>{organisation}</OrganizationId><ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>
  <EnterpriseUrl>https://x</EnterpriseUrl><PartnerUrl>https://y</PartnerUrl>{"".join(notifications)}
 </notifications></soapenv:Body></soapenv:Envelope>""".encode()


def notification(kind: str, number: int = 1, **fields: str) -> str:
    told = "".join(f"<sf:{name}>{value}</sf:{name}>" for name, value in fields.items())
    return (
        f'<Notification><Id>04l00000000000{number}</Id><sObject xsi:type="sf:{kind}" '
        f'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>00Q1</sf:Id>{told}</sObject></Notification>'
    )


def answers(body: bytes, organisation: str = "00D000000000001") -> Translated | Refusal:
    return salesforce.translate(body, [organisation], shipped("salesforce"), NOW)


def test_a_status_is_an_answer_with_its_reason_and_time() -> None:
    told = notification(
        "Lead",
        Email="tanaka@example.jp",
        Status="Closed - Not Converted",
        Leadstreams_Handoff__c=handoff_id(0),
        Leadstreams_Reject_Reason__c="予算なし",
        LastModifiedDate="2025-11-02T01:30:00.000Z",
    )
    found = answers(message(told))
    (event,) = taken(found)
    assert event["type"] == "handoff_rejected"
    assert event["reason"] == "予算なし"
    assert event["handoff_id"] == handoff_id(0)
    assert event["occurred_at"] == "2025-11-02T01:30:00.000Z"
    assert isinstance(found, Translated)
    assert b"<Ack>true</Ack>" in found.reply
    assert taken(answers(message(told))) == [event]


def test_opportunities_tell_deals_and_what_says_nothing_is_acknowledged() -> None:
    won = notification(
        "Opportunity", 1, Leadstreams_Email__c="a@example.jp", StageName="closed won", Amount="1200"
    )
    other = notification("Lead", 2, Email="a@example.jp", Status="Open - Not Contacted")
    unknown = notification("Case", 3, Name="x")
    (event,) = taken(answers(message(won, other, unknown)))
    assert (event["type"], event["amount"]) == ("deal_won", "1200")


def test_a_lead_without_an_address_is_a_dead_letter_and_holds_up_nobody() -> None:
    found = answers(
        message(
            notification("Lead", Status="Accepted"), notification("Lead", 2, Status="Accepted", Email="a@b.jp")
        )
    )
    assert isinstance(found, Translated)
    assert (len(found.events), [one.reason.value for one in found.wrong]) == (1, ["missing_identity"])


def test_another_organisation_is_refused() -> None:
    assert isinstance(answers(message(organisation="00D000000000009EAA")), Refusal)


def test_entities_are_not_taken() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + message().split(b"?>", 1)[1]
    assert answers(bomb) == Refusal(400, "bad_xml", "expected a SOAP message without a document type")


# --- HubSpot


def change(**given: Any) -> dict[str, Any]:
    return {
        "eventId": 1,
        "subscriptionId": 2,
        "portalId": 3,
        "occurredAt": NOW - 1000,
        "subscriptionType": "contact.propertyChange",
        "objectId": 101,
        "propertyName": "hs_lead_status",
        "propertyValue": "CONNECTED",
        "changeSource": "CRM_UI",
        **given,
    }


def told_by(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    found = hubspot.changes_of(json.dumps(changes).encode())
    assert isinstance(found, list)
    named = hubspot.records_of(found, shipped("hubspot"))
    properties = {
        "email": "a@example.jp",
        "leadstreams_handoff_id": handoff_id(0),
        "domain": "firm.test",
        "name": "Sato Aiko",
    }
    known = {(kind, one): properties for kind, ids in named.items() for one in ids if one == "101"}
    return taken(hubspot.translate(found, known, shipped("hubspot"), NOW))


def test_a_changed_property_is_an_answer() -> None:
    (event,) = told_by(change())
    assert (event["type"], event["outcome"], event["email"]) == ("contacted", "connected", "a@example.jp")
    assert event["handoff_id"] == handoff_id(0)
    assert told_by(change()) == [event]


@pytest.mark.parametrize(
    "given",
    [
        {"changeSource": "API"},
        {"propertyValue": "NEW"},
        {"propertyName": "city"},
        {"subscriptionType": "contact.creation"},
        {"objectId": 999},
    ],
)
def test_what_is_no_answer_of_a_person_we_know_says_nothing(given: dict[str, Any]) -> None:
    assert told_by(change(**given)) == []


def test_the_shipped_rules_know_every_answer_of_the_contract() -> None:
    for name in ("salesforce", "hubspot"):
        rule = shipped(name)
        told = [one for of in rule.objects.values() for one in of.answers]
        means = {answer.type for one in told for answer in (*one.values.values(), *([one.any] if one.any else ()))}
        assert means == FEEDBACK_TYPES, name


def test_another_owner_and_what_a_company_is_to_us_are_answers() -> None:
    (owner,) = told_by(change(propertyName="hubspot_owner_id", propertyValue="77"))
    assert (owner["type"], owner["sales_person"], owner["email"]) == ("owner_changed", "77", "a@example.jp")
    (named,) = told_by(change(propertyName="hubspot_owner_id", propertyValue="101"))
    assert named["sales_person"] == "Sato Aiko"
    assert told_by(change(propertyName="hubspot_owner_id", propertyValue="")) == []
    of_company = {"subscriptionType": "company.propertyChange", "propertyName": "type", "propertyValue": "PARTNER"}
    (partner,) = told_by(change(**of_company))
    assert (partner["type"], partner["relationship"]) == ("relationship_set", "partner")
    assert (partner["company_domain"], partner["email"]) == ("firm.test", None)
    account = notification(
        "Account", Type="Customer", Website="https://www.firm.test/", Leadstreams_Owner__c="Sato"
    )
    (customer,) = taken(answers(message(account)))
    assert (customer["relationship"], customer["company_domain"]) == ("customer", "https://www.firm.test/")


def version_3(body: bytes, at: int = NOW, secret: str = SECRET) -> dict[str, str]:
    content = b"POST" + b"https://collector.example/hooks/hubspot?x=a:b%20c" + body + str(at).encode()
    digest = base64.b64encode(hmac.new(secret.encode(), content, "sha256").digest()).decode()
    return {"X-HubSpot-Signature-v3": digest, "X-HubSpot-Request-Timestamp": str(at)}


def test_the_signature_covers_method_address_body_and_time() -> None:
    body = b"[]"
    good = version_3(body)
    assert hubspot.signed("POST", URI, body, good, ["other", SECRET], NOW)
    assert not hubspot.signed("PUT", URI, body, good, [SECRET], NOW)
    assert not hubspot.signed("POST", URI + "&y", body, good, [SECRET], NOW)
    assert not hubspot.signed("POST", URI, b"[ ]", good, [SECRET], NOW)
    assert not hubspot.signed("POST", URI, body, good, [SECRET], NOW + TOLERANCE_MS + 1)
    assert not hubspot.signed("POST", URI, body, version_3(body, secret="x"), [SECRET], NOW)
    assert not hubspot.signed("POST", URI, body, {}, [SECRET], NOW)


@pytest.mark.parametrize(
    "rule",
    ["{field: S}", "{field: S, any: {type: contacted}}", "{field: S, as: x, values: {a: {type: contacted}}}"],
)
def test_a_rule_says_one_way_to_read_its_field(rule: str, tmp_path: Any) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(f"objects:\n  Lead:\n    answers:\n      - {rule}\n")
    found = rules.load(file)
    assert isinstance(found, list)
    assert "expected either values, or any and as" in str(found[0])


def test_a_rule_with_an_unknown_type_is_told_with_its_line(tmp_path: Any) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("objects:\n  Lead:\n    answers:\n      - field: S\n        values: {x: {type: won}}\n")
    found = rules.load(file)
    assert isinstance(found, list)
    assert "f.yaml:5" in str(found[0])
