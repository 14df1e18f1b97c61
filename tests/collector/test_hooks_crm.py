"""What a CRM answers, through the running collector: Salesforce's outbound messages and HubSpot's webhooks."""

import asyncio
import base64
import hmac
import io
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from streams.collector.edge import Limits
from streams.collector.hooks.crm import crm_routes
from streams.collector.hooks.hubspot_records import Records
from streams.collector.hooks.routes import load_routes
from streams.collector.hooks.settings import HookFile, load_hooks
from streams.collector.kafka_gateway import AWAY
from streams.collector.mapping import Mapping
from streams.collector.rates import TokenBuckets
from streams.collector.request import Route
from streams.connectors.feedback import salesforce
from streams.topics import SALES_FEEDBACK
from tests.collector.conftest import Running, running
from tests.collector.memory import eventually
from tests.connectors import fake_hubspot
from tests.connectors.fake_hubspot import FakeHubSpot
from tests.connectors.handoffs import handoff_id

SAMPLES = Path(__file__).parents[1] / "samples" / "hooks"
TOKEN, SECRET = "a-long-random-token", "client-secret"
URL = "https://collector.firm.example/hooks/hubspot?portal=33"
MESSAGE = (SAMPLES / "salesforce-outbound.xml").read_bytes().replace(b"HANDOFF", handoff_id(0).encode())
WEBHOOK = (SAMPLES / "hubspot-webhook.json").read_bytes()
HOOKS = f"""
[[hooks]]
name = "salesforce"
provider = "salesforce"
secrets = ["{TOKEN}"]
organisations = ["00D240000001AbC"]

[[hooks]]
name = "hubspot"
provider = "hubspot"
secrets = ["older-secret", "{SECRET}"]
url = "{URL}"
access_token = "{fake_hubspot.TOKEN}"
"""


@pytest.fixture
def crm(httpserver: HTTPServer) -> FakeHubSpot:
    fake = FakeHubSpot()
    fake.contacts["1246965"] = {"email": "mika@firm.example", "leadstreams_handoff_id": handoff_id(0)}
    fake.companies["22"] = {"domain": "partner.example"}
    httpserver.expect_request(re.compile("^/crm/.*")).respond_with_handler(fake)
    return fake


@pytest.fixture
def file(tmp_path: Path) -> HookFile:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS)
    found = load_hooks(path)
    assert isinstance(found, HookFile), found
    return found


@pytest.fixture
async def collector(file: HookFile, httpserver: HTTPServer) -> AsyncIterator[Running]:
    routes = crm_routes(file.hooks, Records(httpserver.url_for("").rstrip("/")))
    assert not isinstance(routes, str), routes
    async with running(routes, Limits(TokenBuckets(rate=1, burst=50))) as found:
        yield found


async def soap(collector: Running, body: bytes = MESSAGE, token: str = TOKEN) -> tuple[int, str, bytes]:
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": ""}
    async with collector.http.post(
        f"{collector.url}/hooks/salesforce/{token}", data=io.BytesIO(body), headers=headers
    ) as got:
        return got.status, got.content_type, await got.read()


# --- Salesforce


async def test_an_outbound_message_is_answered_with_an_ack_once_kafka_has_it(collector: Running) -> None:
    collector.gateway.acknowledging.clear()
    sent = asyncio.create_task(soap(collector))
    await eventually(lambda: collector.budget.held > 0)
    assert not sent.done()
    collector.gateway.acknowledging.set()
    assert await sent == (200, "text/xml", salesforce.ACKNOWLEDGED)
    (event,) = collector.gateway.events(SALES_FEEDBACK)
    assert (event["type"], event["email"], event["handoff_id"]) == (
        "meeting_booked",
        "mika@firm.example",
        handoff_id(0),
    )
    assert (event["source"], event["source_kind"]) == ("salesforce", "crm")
    assert event["occurred_at"] == "2026-11-02T01:30:00.000Z"
    assert [reason for reason, _ in collector.gateway.dead()] == ["missing_identity"], "a lead without an address"


async def test_what_kafka_did_not_take_is_not_acknowledged_and_a_repeat_is_the_same_event(
    collector: Running,
) -> None:
    collector.gateway.lose = AWAY
    status, _, body = await soap(collector)
    assert (status, b"<Ack>" in body) == (503, False)
    collector.gateway.lose = None
    assert (await soap(collector))[0] == (await soap(collector))[0] == 200
    first, second = collector.gateway.events(SALES_FEEDBACK)
    assert first["event_id"] == second["event_id"]


async def test_only_our_organisation_with_our_token_is_heard(collector: Running) -> None:
    assert (await soap(collector, token="wrong"))[0] == 401
    assert (await soap(collector, MESSAGE.replace(b"00D240000001AbC", b"00D240000009XyZ")))[0] == 403
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + MESSAGE.split(b"?>", 1)[1]
    assert (await soap(collector, entities))[0] == 400
    assert (await soap(collector, MESSAGE + b" " * salesforce.MOST_BYTES))[0] == 400
    assert collector.gateway.records == []


# --- HubSpot


def signature(body: bytes, at: int, secret: str = SECRET) -> str:
    content = b"POST" + URL.encode() + body + str(at).encode()
    return base64.b64encode(hmac.new(secret.encode(), content, "sha256").digest()).decode()


async def told(collector: Running, body: bytes = WEBHOOK, at: int | None = None, signed: str = "") -> int:
    sent_at = int(time.time() * 1000) if at is None else at
    headers = {
        "Content-Type": "application/json",
        "X-HubSpot-Request-Timestamp": str(sent_at),
        "X-HubSpot-Signature-v3": signed or signature(body, sent_at),
    }
    async with collector.http.post(f"{collector.url}/hooks/hubspot?portal=33", data=body, headers=headers) as got:
        return got.status


async def test_a_webhook_becomes_what_hubspot_says_of_those_whom_it_is_about(
    collector: Running, crm: FakeHubSpot
) -> None:
    assert await told(collector) == 200
    won, partner = collector.gateway.events(SALES_FEEDBACK)
    assert (won["type"], won["email"], won["handoff_id"]) == ("deal_won", "mika@firm.example", handoff_id(0))
    assert (won["source"], won["source_kind"], won["occurred_at"]) == (
        "hubspot",
        "crm",
        "2026-11-02T01:30:00.000Z",
    )
    assert (partner["type"], partner["relationship"]) == ("relationship_set", "partner")
    assert partner["company_domain"] == "partner.example"
    assert len(crm.calls) == 2, "a question for each kind of record"
    assert await told(collector) == 200
    assert [event["event_id"] for event in collector.gateway.events()] == [
        won["event_id"],
        partner["event_id"],
    ] * 2


async def test_who_did_not_sign_just_now_is_not_heard_and_hubspot_is_not_asked(
    collector: Running, crm: FakeHubSpot
) -> None:
    now = int(time.time() * 1000)
    assert await told(collector, at=now - 301_000) == 401
    assert await told(collector, at=now + 301_000) == 401
    assert await told(collector, signed=signature(WEBHOOK + b" ", now), at=now) == 401
    assert await told(collector, signed=signature(WEBHOOK, now, "guessed"), at=now) == 401
    assert await told(collector, signed=signature(WEBHOOK, now, "older-secret"), at=now) == 200
    assert len(crm.calls) == 2


async def test_while_hubspot_does_not_say_whom_it_means_the_webhook_is_to_come_again(
    collector: Running, crm: FakeHubSpot
) -> None:
    crm.before = lambda _: Response(status=502)
    assert await told(collector) == 503
    crm.before = lambda _: fake_hubspot.error(401, "INVALID_AUTHENTICATION")
    assert await told(collector) == 503
    crm.before = lambda _: Response("not JSON", 200)
    assert await told(collector) == 503
    crm.before = lambda _: None
    collector.gateway.lose = AWAY
    assert await told(collector) == 503
    assert collector.gateway.records == []


async def test_a_contact_that_is_gone_answers_nothing(collector: Running, crm: FakeHubSpot) -> None:
    del crm.contacts["1246965"]
    assert await told(collector) == 200
    (partner,) = collector.gateway.events()
    assert partner["type"] == "relationship_set"


def owner_changed(number: str) -> bytes:
    change = json.loads(WEBHOOK)[0]
    return json.dumps([change | {"propertyName": "hubspot_owner_id", "propertyValue": number}]).encode()


async def test_an_owner_is_told_by_name(collector: Running, crm: FakeHubSpot) -> None:
    others = [{"id": str(number), "email": f"{number}@firm.example"} for number in range(500)]
    crm.owners = [*others, {"id": "777", "email": "sato@firm.example", "firstName": "Aiko", "lastName": "Sato"}]
    for number in ("777", "7", "999"):
        assert await told(collector, owner_changed(number)) == 200
    crm.owners_readable = False
    assert await told(collector, owner_changed("777")) == 200
    told_as = [event["sales_person"] for event in collector.gateway.events(SALES_FEEDBACK)]
    assert told_as == ["Aiko Sato", "7@firm.example", "999", "777"]


async def test_while_hubspot_does_not_name_an_owner_the_webhook_is_to_come_again(
    collector: Running, crm: FakeHubSpot
) -> None:
    crm.before = lambda request: Response(status=502) if request.path.endswith("/owners") else None
    assert await told(collector, owner_changed("777")) == 503
    assert collector.gateway.records == []


async def test_what_is_no_answer_asks_nobody(collector: Running, crm: FakeHubSpot) -> None:
    assert await told(collector, b"[]") == 200
    assert await told(collector, b"{}") == 400
    only_creation = json.dumps(json.loads(WEBHOOK)[2:]).encode()
    assert await told(collector, only_creation) == 200
    assert (crm.calls, collector.gateway.records) == ([], [])


# --- the hooks file


def test_the_ways_in_are_there_if_the_hooks_file_names_them(mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS)
    found = load_routes(path, None, mapping)
    assert not isinstance(found, str), found
    assert {route.path for route in found} == {
        *("/hooks/salesforce", "/hooks/salesforce/*"),
        *("/hooks/hubspot", "/hooks/hubspot/*"),
    }
    assert all(isinstance(route, Route) for route in found)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('organisations = ["00D240000001AbC"]', "", "names its `organisations`"),
        ('organisations = ["00D240000001AbC"]', 'organisations = ["acme"]', "organisations"),
        (f'url = "{URL}"', "", "has a `url` and an `access_token`"),
        (
            f'access_token = "{fake_hubspot.TOKEN}"',
            'rules = "/nowhere.yaml"\naccess_token = "x"',
            "cannot read it",
        ),
    ],
)
def test_a_mistake_in_the_hooks_file_is_told_at_start(
    was: str, becomes: str, said: str, mapping: Mapping, tmp_path: Path
) -> None:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS.replace(was, becomes))
    found: Any = load_routes(path, None, mapping)
    assert isinstance(found, str)
    assert said in found
    assert TOKEN not in found
