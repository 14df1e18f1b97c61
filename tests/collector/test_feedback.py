"""Sales answers by HTTP: believed with a secret key only, and every answer is an event of the contract."""

import json
from base64 import b64encode
from typing import Any

import pytest

from streams.collector.feedback import FeedbackAdapter
from streams.collector.request import Adapted, Answer, Refusal, RequestParts, SourceKind
from streams.collector.write_keys import Entry, WriteKeys
from streams.topics import SALES_FEEDBACK
from tests.collector.conftest import BROWSER_KEY, SERVER_KEY, SERVER_KEY_SHA256, Running

NOW = 1_780_000_000_000
KEYS = WriteKeys(
    [
        Entry(name="website", kind="browser", key=BROWSER_KEY, sha256=None),
        Entry(name="salesforce", kind="crm", key=None, sha256=SERVER_KEY_SHA256),
    ]
)
ACCEPTED = {"type": "handoff_accepted", "event_id": "a-1", "email": "ada@firm.test", "sales_person": "Sato"}


def basic(key: str) -> str:
    return "Basic " + b64encode(f"{key}:".encode()).decode()


def answered(body: Any, key: str = SERVER_KEY) -> Adapted | Refusal | Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FeedbackAdapter(KEYS)(RequestParts("feedback", raw, basic(key)), NOW)


def test_an_answer_of_a_crm_is_an_event_of_that_trust() -> None:
    found = answered(ACCEPTED)
    assert isinstance(found, Adapted), found
    assert (found.source.name, found.source.kind) == ("salesforce", SourceKind.CRM)
    (event,) = found.events
    assert (event["type"], event["event_id"]) == ("handoff_accepted", "a-1")


def test_of_several_answers_each_stands_for_itself() -> None:
    found = answered([ACCEPTED, {"type": "handoff_accepted"}, {**ACCEPTED, "event_id": "a-2"}])
    assert isinstance(found, Adapted), found
    assert [event["event_id"] for event in found.events] == ["a-1", "a-2"]
    assert [str(dead.reason) for dead in found.dead] == ["missing_identity"]


@pytest.mark.parametrize(
    ("key", "status"), [("nobody", 401), ("", 401), (BROWSER_KEY, 403)], ids=["unknown", "none", "public"]
)
def test_who_has_no_secret_key_says_nothing_for_sales(key: str, status: int) -> None:
    found = answered(ACCEPTED, key)
    assert isinstance(found, Refusal)
    assert found.status == status


def test_what_is_no_answer_is_refused_for_good() -> None:
    for body in (b"", b"{", b"[]", b'"text"', {"type": "page_viewed", "email": "ada@firm.test"}):
        found = answered(body)
        assert isinstance(found, Refusal), body
        assert found.status == 400


async def test_an_answer_arrives_on_the_topic_of_sales(collector: Running) -> None:
    headers = {"Authorization": basic(SERVER_KEY)}
    async with collector.http.post(f"{collector.url}/v1/feedback", json=ACCEPTED, headers=headers) as reply:
        assert reply.status == 200, await reply.text()
    (event,) = collector.gateway.events(SALES_FEEDBACK)
    assert (event["type"], event["source_kind"], event["source"]) == ("handoff_accepted", "server", "backend")


async def test_what_is_said_of_a_company_needs_no_person(collector: Running) -> None:
    said = {"type": "relationship_set", "company_domain": "firm.test", "relationship": "customer"}
    headers = {"Authorization": basic(SERVER_KEY)}
    async with collector.http.post(f"{collector.url}/v1/feedback", json=said, headers=headers) as reply:
        assert reply.status == 200, await reply.text()
    (event,) = collector.gateway.events(SALES_FEEDBACK)
    assert (event["company_domain"], event["relationship"]) == ("firm.test", "customer")
