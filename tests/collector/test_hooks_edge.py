"""Webhooks through the running collector: answered when Kafka has the events, and only to those who may call."""

import json
from base64 import b64encode
from pathlib import Path

import aiohttp
import pytest

from streams.collector.budget import Budget
from streams.collector.edge import Edge
from streams.collector.hooks.routes import load_routes
from streams.collector.kafka_gateway import AWAY
from streams.collector.mapping import Mapping
from streams.collector.metrics import EdgeMetrics
from streams.collector.request import Route
from streams.collector.routes import tracker_routes
from streams.collector.server import listening, plan
from streams.collector.write_keys import WriteKeys
from streams.enrichment.enrichment import Enrichment
from streams.settings import Settings
from streams.topics import EMAIL_ENGAGEMENT, FORM_SUBMISSIONS, LEAD_ACTIVITIES
from tests.collector.conftest import BROWSER_KEY, Running
from tests.collector.conftest import SECRET as SECRET_KEY
from tests.collector.hook_samples import sample
from tests.collector.memory import MemoryGateway

SECRET = "user:secret-1"
HOOKS = f"""
[[hooks]]
name = "transactional"
provider = "postmark"
secrets = ["{SECRET}"]
honeypots = ["https://www.example.com/unseen"]

[[hooks]]
name = "contact-form"
provider = "form"
form = "contact"
secrets = ["{SECRET}"]
"""
AUTHORIZATION = "Basic " + b64encode(SECRET.encode()).decode()


@pytest.fixture
def routes(mapping: Mapping, tmp_path: Path) -> list[Route]:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS)
    found = load_routes(path, None, mapping)
    assert not isinstance(found, str), found
    return found


async def send(collector: Running, path: str, document: object, authorization: str = AUTHORIZATION) -> int:
    body = json.dumps(document).encode()
    status, _ = await collector.post(path, body, key=None, Authorization=authorization)
    return status


async def test_a_webhook_becomes_events_of_its_source(collector: Running) -> None:
    for document in sample("postmark"):
        assert await send(collector, "/hooks/postmark", document) == 200
    events = collector.gateway.events(EMAIL_ENGAGEMENT)
    assert len(events) == 7
    assert {(event["source"], event["source_kind"]) for event in events} == {("transactional", "mail")}
    assert all(event["received_at"] for event in events)


async def test_the_token_may_stand_in_the_address(collector: Running) -> None:
    document = sample("postmark")[0]
    assert await send(collector, f"/hooks/postmark/{SECRET}", document, "") == 200
    assert await send(collector, f"/hooks/postmark?token={SECRET}", document, "") == 200
    assert await send(collector, "/hooks/postmark", document, "") == 401
    assert await send(collector, "/hooks/postmark/wrong", document, "") == 401
    assert len(collector.gateway.events()) == 2


async def test_a_late_verdict_takes_the_points_back(collector: Running) -> None:
    """The honeypot is followed after the click that was believed."""
    click = sample("postmark")[2]
    assert await send(collector, "/hooks/postmark", click) == 200
    trap = {**click, "OriginalLink": "https://www.example.com/unseen?x=1", "ReceivedAt": "2026-11-01T17:35:10Z"}
    assert await send(collector, "/hooks/postmark", trap) == 200
    believed, flagged = collector.gateway.events(EMAIL_ENGAGEMENT)
    (taken_back,) = collector.gateway.events(LEAD_ACTIVITIES)
    assert "is_machine" not in believed
    assert (flagged["is_machine"], flagged["machine_reason"]) == (True, "honeypot_link")
    assert (taken_back["type"], taken_back["retracts"]) == ("activity_retracted", believed["event_id"])
    assert taken_back["email"] == believed["email"]


async def test_what_kafka_did_not_take_is_told_again_with_its_retractions(collector: Running) -> None:
    _, _, click, *_ = sample("postmark")
    quick = {**sample("postmark")[0], "DeliveredAt": "2026-11-01T17:34:50Z"}
    assert await send(collector, "/hooks/postmark", click) == 200
    collector.gateway.lose = AWAY  # taken, judged, and then not acknowledged
    assert await send(collector, "/hooks/postmark", quick) == 503
    assert collector.gateway.events(LEAD_ACTIVITIES) == []
    collector.gateway.lose = None
    assert await send(collector, "/hooks/postmark", quick) == 200
    assert [event["type"] for event in collector.gateway.events(LEAD_ACTIVITIES)] == ["activity_retracted"]


async def test_a_form_becomes_an_event_that_a_server_vouches_for(collector: Running) -> None:
    document = {"email": "ada@firm.example", "name": "Ada Lovelace", "message": "Hi"}
    assert await send(collector, "/hooks/forms/contact", document) == 200
    (event,) = collector.gateway.events(FORM_SUBMISSIONS)
    assert (event["source"], event["source_kind"], event["form_type"]) == ("contact-form", "webhook", "contact")
    assert await send(collector, "/hooks/forms/other", document) == 401
    assert await send(collector, "/hooks/forms/contact", document, "") == 401


async def test_a_form_that_names_nobody_is_a_dead_letter_and_not_repeated(collector: Running) -> None:
    assert await send(collector, "/hooks/forms/contact", {"message": "Hi"}) == 200
    assert collector.gateway.dead() == [("missing_identity", b'{"message": "Hi"}')]


async def test_what_the_hooks_file_does_not_name_is_not_there(collector: Running) -> None:
    assert await send(collector, "/hooks/sendgrid", sample("sendgrid")) == 404


def test_a_form_that_is_not_in_the_forms_file_is_a_mistake_told_at_start(mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS.replace('"contact"', '"nowhere"'))
    assert load_routes(path, None, mapping) == "hook contact-form: the forms file has no form nowhere"


def settings(**more: object) -> Settings:
    return Settings.model_validate({"secret": "s" * 32, "collector_port": 0, **more})


def test_the_collector_starts_with_the_files_it_is_given_or_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS)
    planned = plan(settings(hooks=path, enrichment=True), dev=True)
    assert not isinstance(planned, str), planned
    assert {"/hooks/postmark", "/hooks/forms/*", "/snippet.js"} <= {route.path for route in planned.routes}
    assert isinstance(planned.enrichment, Enrichment)
    for wrong in (
        {"hooks": tmp_path / "no"},
        {"forms": tmp_path / "no"},
        {"enrichment": True, "channels": tmp_path},
    ):
        found = plan(settings(**wrong), dev=True)
        assert isinstance(found, str), wrong
        assert "\n" not in found


def test_without_settings_there_is_no_enrichment() -> None:
    planned = plan(settings(), dev=True)
    assert not isinstance(planned, str)
    assert planned.enrichment is None


async def test_enrichment_is_applied_to_every_event_once_it_is_known_who_vouches(
    mapping: Mapping, keys: WriteKeys
) -> None:
    gateway, metrics = MemoryGateway(), EdgeMetrics()
    enrich = Enrichment(None, "JP", {"firm.example": {"employees": "320"}})
    edge = Edge(tracker_routes(keys, mapping), gateway, SECRET_KEY, metrics, Budget(), enrich=enrich)
    async with listening(edge, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:
        message = {
            "writeKey": BROWSER_KEY,
            "userId": "u",
            "traits": {"email": "ada@firm.example", "phone": "03-5555-0100"},
        }
        person = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0)"}
        async with http.post(f"http://127.0.0.1:{port}/v1/identify", json=message, headers=person) as answer:
            assert answer.status == 200
    known, company = gateway.events(LEAD_ACTIVITIES)
    assert (known["phone"], known["source"], known["email_domain_kind"]) == ("+81355550100", "website", "company")
    assert (company["employees"], company["source"], company["source_kind"]) == ("320", "enrichment", "browser")
    assert company["received_at"] == known["received_at"]
    assert gateway.records[0].key == gateway.records[1].key
