"""What a CRM tells moves the lead: a later answer implies the earlier ones, an old one moves nothing."""

import json
from typing import Any

import pytest

from schemas.instant import rfc3339
from streams import topics
from streams.connectors.feedback import hubspot, salesforce
from streams.connectors.feedback.result import Translated
from streams.local import Local
from tests.connectors.test_feedback import change, message, notification, shipped
from tests.test_update import DEMO, KEY, MAIL, NOON, feed, handed_over

HOUR = 3_600_000


def handoff_of(local: Local, number: int = -1) -> str:
    found: str = json.loads(local.outputs[topics.SALES_HANDOFFS][number].value or b"")["id"]
    return found


def stage(local: Local) -> str:
    lead = local.find(KEY)
    assert lead is not None
    return lead.stage.word


def published(local: Local, found: Any, at: int) -> None:
    """As the collector publishes it."""
    assert isinstance(found, Translated), found
    assert found.wrong == []
    for event in found.events:
        sealed = {**event, "source": "crm", "source_kind": "crm", "received_at": rfc3339(at)}
        local.feed(topics.SALES_FEEDBACK, json.dumps(sealed).encode(), at)


def in_hubspot(local: Local, at: int, name: str, value: str, handoff: str | None = None) -> None:
    told = [change(propertyName=name, propertyValue=value, occurredAt=at, eventId=at)]
    properties = {"email": MAIL, "leadstreams_handoff_id": handoff or handoff_of(local)}
    published(local, hubspot.translate(told, {("contact", "101"): properties}, shipped("hubspot"), at), at)


def in_salesforce(local: Local, at: int, kind: str = "Lead", **fields: str) -> None:
    address = {"Leadstreams_Email__c" if kind == "Opportunity" else "Email": MAIL}
    fields = {"Leadstreams_Handoff__c": handoff_of(local), "LastModifiedDate": rfc3339(at), **address, **fields}
    body = message(notification(kind, at, **fields))
    published(local, salesforce.translate(body, ["00D000000000001"], shipped("salesforce"), at), at)


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("hs_lead_status", "IN_PROGRESS", "accepted"),
        ("hs_lead_status", "CONNECTED", "accepted"),
        ("leadstreams_feedback", "meeting", "accepted"),
        ("hs_lead_status", "OPEN_DEAL", "opportunity"),
        ("lifecyclestage", "customer", "customer"),
        ("hs_lead_status", "BAD_TIMING", "recycled"),
        ("leadstreams_feedback", "disqualified", "disqualified"),
    ],
)
def test_an_answer_in_hubspot_moves_the_lead_at_once_past_all_earlier_steps(
    name: str, value: str, becomes: str
) -> None:
    local = handed_over()
    in_hubspot(local, NOON + HOUR, name, value)
    assert stage(local) == becomes


@pytest.mark.parametrize(
    ("kind", "fields", "becomes"),
    [
        ("Lead", {"Status": "Accepted"}, "accepted"),
        ("Lead", {"Status": "Meeting Booked"}, "accepted"),
        ("Lead", {"Status": "Closed - Not Converted"}, "recycled"),
        ("Opportunity", {"StageName": "Prospecting"}, "opportunity"),
        ("Opportunity", {"StageName": "Closed Won", "Amount": "1200"}, "customer"),
        ("Opportunity", {"StageName": "Closed Lost"}, "recycled"),
        ("Contact", {"Leadstreams_Feedback__c": "Disqualified"}, "disqualified"),
    ],
)
def test_an_answer_in_salesforce_moves_the_lead_at_once_past_all_earlier_steps(
    kind: str, fields: dict[str, str], becomes: str
) -> None:
    local = handed_over()
    in_salesforce(local, NOON + HOUR, kind, **fields)
    assert stage(local) == becomes


def test_an_answer_to_an_old_handoff_moves_nothing() -> None:
    local = handed_over()
    first = handoff_of(local)
    in_hubspot(local, NOON + HOUR, "hs_lead_status", "BAD_TIMING")
    year = 365 * 24 * HOUR
    feed(local, "d2", NOON + year, **DEMO | {"form_id": "demo-again"})
    second = handoff_of(local)
    assert first != second
    assert stage(local) == "sql"
    in_hubspot(local, NOON + year + HOUR, "lifecyclestage", "customer", first)
    in_salesforce(local, NOON + year + HOUR, Status="Closed - Not Converted", Leadstreams_Handoff__c=first)
    assert stage(local) == "sql"
    in_hubspot(local, NOON + year + 2 * HOUR, "lifecyclestage", "customer", second)
    assert stage(local) == "customer"


def test_a_person_takes_a_lead_out_back_in_up_and_away() -> None:
    local = handed_over()
    in_hubspot(local, NOON + HOUR, "leadstreams_feedback", "disqualified")
    in_hubspot(local, NOON + 2 * HOUR, "leadstreams_feedback", "reinstated")
    assert stage(local) == "lead"
    in_salesforce(local, NOON + 3 * HOUR, Leadstreams_Feedback__c="Promoted")
    assert stage(local) == "sql"
    in_salesforce(local, NOON + 4 * HOUR, Leadstreams_Owner__c="Sato")
    lead = local.find(KEY)
    assert lead is not None
    assert lead.attributes["owner"][-1].value == "Sato"
    in_hubspot(local, NOON + 5 * HOUR, "leadstreams_feedback", "erase")
    lead = local.find(KEY)
    assert lead is not None
    assert (lead.emails, lead.attributes, lead.erased) == ({}, {}, NOON + 5 * HOUR)


def test_what_a_company_is_to_us_reaches_everybody_who_works_there() -> None:
    local = handed_over()
    told = message(notification("Account", 7, Type="Competitor", Website="https://www.aozora.example/"))
    published(
        local, salesforce.translate(told, ["00D000000000001"], shipped("salesforce"), NOON + HOUR), NOON + HOUR
    )
    lead = local.find(KEY)
    assert lead is not None
    said = [v.value for name, found in lead.attributes.items() if "relationship" in name for v in found]
    assert said == ["competitor"]
