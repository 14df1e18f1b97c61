import json
from collections.abc import AsyncIterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams.connectors.hubspot import HubSpot
from streams.connectors.hubspot_client import HubSpotSink
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from tests.connectors.conftest import settings_of, shipped
from tests.connectors.fake_hubspot import KEY, TOKEN, FakeHubSpot, error, too_many
from tests.connectors.handoffs import event, handoff, handoff_id, lead_key, update


@pytest.fixture
async def sink(
    hubspot: FakeHubSpot, httpserver: HTTPServer, secrets: dict[str, str]
) -> AsyncIterator[HubSpotSink]:
    settings = settings_of(shipped("hubspot"))
    assert isinstance(settings, HubSpot)
    made = HubSpotSink(settings, httpserver.url_for("").rstrip("/"))
    yield made
    await made.close()


async def deliver(sink: HubSpotSink, *values: bytes) -> list[Outcome]:
    return await sink.deliver([event(value) for value in values])


async def test_a_handoff_becomes_a_contact_with_a_note(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    assert await deliver(sink, handoff(message="<b>見積もり</b>")) == [Delivered()]

    ((number, contact),) = hubspot.contacts.items()
    assert contact[KEY] == lead_key(0)
    assert contact["lifecyclestage"] == "salesqualifiedlead"
    assert contact["lastname"] == "美香"
    assert contact["leadstreams_score"] == "50"
    ((note, properties),) = hubspot.notes.items()
    assert "資料をダウンロードした<br>Answer by 2026-11-03T01:00:00.000Z" in properties["hs_note_body"]
    assert "&lt;b&gt;見積もり" in properties["hs_note_body"]
    assert hubspot.links == {(note, number)}


async def test_a_repeat_makes_nothing_new(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    for _ in range(3):
        assert await deliver(sink, handoff(0), handoff(1)) == [Delivered(), Delivered()]
    assert (len(hubspot.contacts), len(hubspot.notes), len(hubspot.links)) == (2, 2, 2)


async def test_a_contact_with_the_address_is_adopted(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    known = hubspot.add(email="lead0@example.jp", hubspot_owner_id="77")
    assert await deliver(sink, handoff(0)) == [Delivered()]
    assert hubspot.contacts[known][KEY] == lead_key(0)
    assert len(hubspot.contacts) == 1
    assert [note["hubspot_owner_id"] for note in hubspot.notes.values()] == ["77"]


async def test_of_a_batch_the_good_records_pass(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    hubspot.refuse = lambda p: {"lead1@example.jp": "VALIDATION_ERROR", "lead2@example.jp": "INTERNAL_ERROR"}.get(
        p.get("email", "")
    )
    outcomes = await deliver(sink, *(handoff(number) for number in range(4)))
    assert outcomes == [Delivered(), Refused("VALIDATION_ERROR"), Postponed("INTERNAL_ERROR"), Delivered()]
    assert len(hubspot.notes) == 2


async def test_one_bad_address_does_not_fail_its_batch(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    outcomes = await deliver(sink, handoff(0), handoff(1, email="no address"), handoff(2))
    assert outcomes == [Delivered(), Refused("HTTP 400 VALIDATION_ERROR, INVALID_EMAIL"), Delivered()]


async def test_a_contact_that_was_made_this_moment_is_found_next_time(
    sink: HubSpotSink, hubspot: FakeHubSpot
) -> None:
    hidden = [True]

    def between(request: Request) -> Response | None:
        if request.path.endswith("upsert") and hidden:
            hidden.clear()
            hubspot.add(email="lead0@example.jp")
        return None

    hubspot.before = between
    assert await deliver(sink, handoff(0)) == [Postponed("HTTP 409 CONFLICT")]
    assert await deliver(sink, handoff(0)) == [Delivered()]
    assert len(hubspot.contacts) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (too_many(), Postponed("HTTP 429 TEN_SECONDLY_ROLLING", 10.0, everyone=True)),
        (too_many("DAILY"), Postponed("HTTP 429 DAILY", everyone=True)),
        (too_many(**{"Retry-After": "3"}), Postponed("HTTP 429 TEN_SECONDLY_ROLLING", 3.0, everyone=True)),
        (error(502, "x"), Postponed("HTTP 502")),
        (error(477, "MIGRATION", headers={"Retry-After": "60"}), Postponed("HTTP 477", 60.0, everyone=True)),
        (
            error(401, "INVALID_AUTHENTICATION"),
            Postponed("HTTP 401 INVALID_AUTHENTICATION", everyone=True, operator=True),
        ),
        (
            error(400, "VALIDATION_ERROR", 'Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST"}]'),
            Postponed("HTTP 400 VALIDATION_ERROR, PROPERTY_DOESNT_EXIST", everyone=True, operator=True),
        ),
    ],
)
async def test_what_a_failed_call_means(
    sink: HubSpotSink, hubspot: FakeHubSpot, answer: Response, outcome: Outcome
) -> None:
    hubspot.before = lambda _: answer
    assert await deliver(sink, handoff(0)) == [outcome]


async def test_nobody_there_is_not_the_events_fault(secrets: dict[str, str]) -> None:
    settings = settings_of(shipped("hubspot"))
    assert isinstance(settings, HubSpot)
    sink = HubSpotSink(settings, "http://127.0.0.1:9")
    (outcome,) = await deliver(sink, handoff(0))
    assert isinstance(outcome, Postponed)
    assert outcome.everyone
    await sink.close()


async def test_updates_change_the_contact_and_leave_notes(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    await deliver(sink, handoff(0))
    await deliver(sink, update(0, "opted_out", reason="Unsubscribed"))
    await deliver(sink, update(0, "became_customer"))
    (contact,) = hubspot.contacts.values()
    assert (contact["leadstreams_opted_out"], contact["lifecyclestage"]) == ("true", "customer")
    assert len(hubspot.notes) == 3


async def test_an_erasure_deletes_the_contact_for_good_and_may_be_repeated(
    sink: HubSpotSink, hubspot: FakeHubSpot
) -> None:
    await deliver(sink, handoff(0))
    assert await deliver(sink, update(0, "erased")) == [Delivered()]
    assert await deliver(sink, update(0, "erased")) == [Delivered("nothing to change")]
    assert hubspot.contacts == {}
    assert "POST /crm/v3/objects/contacts/gdpr-delete" in hubspot.calls


async def test_the_second_cycle_is_the_same_contact(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    await deliver(sink, handoff(0))
    await deliver(sink, handoff(0, cycle=2))
    (contact,) = hubspot.contacts.values()
    assert contact["leadstreams_handoff_id"] == handoff_id(0, 2)
    assert len(hubspot.notes) == 2


async def test_a_preview_asks_nobody_and_the_token_shows_nowhere(sink: HubSpotSink, hubspot: FakeHubSpot) -> None:
    shown = json.dumps(sink.preview(event(handoff(0))))
    assert hubspot.calls == []
    assert TOKEN not in shown + repr(vars(sink))
