"""After a handoff sales hears what changes about the lead, once, and can tell it from the handoff."""

import json
from typing import Any

import msgspec

from schemas.handoff import LeadUpdate
from streams import topics
from streams.identity.keys import Kind, Secret, lead_key
from streams.local import Local
from streams.model_file import load
from streams.scoring.instant import DAY, HOUR, rfc3339
from streams.scoring.model import Model
from streams.shard import Terms

NOON = 1_793_620_800_000
SECRET = Secret(b"x" * 32)
MAIL = "kana@aozora.example"
KEY = lead_key(Kind.EMAIL, MAIL, SECRET)
TOPICS = {"form_submitted": topics.FORM_SUBMISSIONS, "email_unsubscribed": topics.EMAIL_ENGAGEMENT}
TOPICS |= dict.fromkeys(("relationship_set", "lead_erased", "contacted", "deal_won"), topics.SALES_FEEDBACK)
DEMO = {
    "type": "form_submitted",
    "form_type": "demo",
    "form_id": "demo",
    "title": "VP Marketing",
    "company": "Aozora",
    "employees": 500,
    "industry": "software",
    "country": "JP",
    "message": "製品を見たい",
}


def pipeline() -> Local:
    model = load("b2b")
    assert isinstance(model, Model), model
    return Local(Terms(model, SECRET), 2)


def feed(local: Local, event_id: str, at: int, **fields: Any) -> None:
    document = {"event_id": event_id, "occurred_at": rfc3339(at), "email": MAIL, "source_kind": "webhook"} | fields
    topic = TOPICS.get(document["type"], topics.LEAD_ACTIVITIES)
    local.feed(topic, msgspec.json.encode(document), at)


def told(local: Local) -> list[LeadUpdate]:
    """The updates on the topic of sales, all of them valid."""
    found = [effect.value or b"" for effect in local.outputs.get(topics.SALES_HANDOFFS, [])]
    return [LeadUpdate.model_validate_json(raw) for raw in found if b"lead.update.v1" in raw]


def handed_over() -> Local:
    local = pipeline()
    feed(local, "d1", NOON, **DEMO)
    assert len(local.outputs[topics.SALES_HANDOFFS]) == 1
    return local


def test_a_new_request_of_a_lead_that_sales_has_is_told_with_its_words() -> None:
    local = handed_over()
    feed(local, "q1", NOON + HOUR, type="form_submitted", form_type="quote", form_id="quote", message="見積を")
    (update,) = told(local)
    assert (update.data.change, update.data.request_type, update.data.message) == (
        "new_request",
        "quote",
        "見積を",
    )
    handoff = json.loads(local.outputs[topics.SALES_HANDOFFS][0].value or b"")
    assert update.data.handoff_id == handoff["id"]
    assert update.id != handoff["id"]


def test_an_opt_out_reaches_sales_once_however_often_it_comes() -> None:
    local = handed_over()
    for _ in range(3):
        feed(local, "u1", NOON + HOUR, type="email_unsubscribed")
    assert [update.data.change for update in told(local)] == ["opted_out"]


def test_a_lead_that_became_a_customer_and_a_machine_verdict_are_told() -> None:
    local = handed_over()
    feed(local, "r1", NOON + HOUR, type="relationship_set", relationship="customer", source_kind="crm")
    local.feed(
        topics.FORM_SUBMISSIONS,
        msgspec.json.encode(
            {
                "type": "activity_retracted",
                "event_id": "x1",
                "retracts": "d1",
                "occurred_at": rfc3339(NOON + 2 * HOUR),
                "email": MAIL,
            }
        ),
        NOON + 2 * HOUR,
    )
    assert [update.data.change for update in told(local)] == ["became_customer", "machine_verdict"]


def test_a_merge_names_the_lead_that_sales_knows_and_the_one_it_turned_out_to_be() -> None:
    local = pipeline()
    user = {"email": None, "user_id": "u-7"}
    feed(local, "d1", NOON, **DEMO, **user, phone="+81312345678", company_domain="aozora.example")
    assert len(local.outputs[topics.SALES_HANDOFFS]) == 1
    feed(local, "l1", NOON + HOUR, type="identities_linked", user_id="u-7")
    (update,) = told(local)
    assert (update.data.change, update.data.merged_into) == ("merged", KEY)
    assert update.data.lead_key == lead_key(Kind.USER, "u-7", SECRET)


def test_an_erasure_reaches_whoever_got_the_handoff_and_holds_no_personal_data() -> None:
    local = handed_over()
    feed(local, "e1", NOON + DAY, type="lead_erased", source_kind="crm")
    (update,) = told(local)
    assert (update.data.change, update.data.lead_key, update.data.message) == ("erased", KEY, None)
    assert MAIL not in update.model_dump_json()


def test_who_never_was_handed_over_is_nobody_s_business() -> None:
    local = pipeline()
    feed(local, "n1", NOON, type="form_submitted", form_type="newsletter", form_id="news")
    feed(local, "u1", NOON + HOUR, type="email_unsubscribed")
    feed(local, "e1", NOON + DAY, type="lead_erased", source_kind="crm")
    assert told(local) == []
