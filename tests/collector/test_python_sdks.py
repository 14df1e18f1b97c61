"""RudderStack's and Snowplow's unmodified SDKs for Python against a running collector."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from rudderstack.analytics.client import Client
from snowplow_tracker import (
    Emitter,
    PageView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

from streams.collector.kafka_gateway import AWAY
from tests.collector.conftest import BROWSER_KEY, SERVER_KEY, Running
from tests.collector.memory import eventually


def rudderstack(host: str, key: str, gzip: bool) -> list[Any]:
    """One call of each kind; the errors that the SDK reports."""
    errors: list[Any] = []
    client = Client(
        key, host=host, gzip=gzip, upload_interval=0.05, on_error=lambda error, items: errors.append(error)
    )
    client.page(anonymous_id="a", name="Pricing", properties={"url": "https://x.test/pricing"})
    client.identify("u", {"email": "ada@firm.test", "company": "Firm"})
    client.track("u", "Demo Requested", {"email": "ada@firm.test"})
    client.group("u", "g", {"name": "Firm"})
    client.alias("a", "u")
    client.screen("u", name="Home")
    client.flush()
    client.join()
    return errors


@pytest.mark.parametrize("gzip", [False, True])
async def test_every_call_of_rudderstack_s_sdk_arrives(collector: Running, gzip: bool) -> None:
    assert await asyncio.to_thread(rudderstack, collector.url, SERVER_KEY, gzip) == []
    events = collector.gateway.events()
    assert Counter(event["type"] for event in events) == {
        "company_identified": 1,
        "form_submitted": 1,
        "identities_linked": 1,
        "lead_identified": 1,
        "page_viewed": 2,
    }
    assert {event["source_kind"] for event in events} == {"server"}
    known = next(event for event in events if event["type"] == "lead_identified")
    assert (known["email"], known["company"]) == ("ada@firm.test", "Firm")


async def test_rudderstack_s_sdk_reports_a_refused_key_once(collector: Running) -> None:
    errors = await asyncio.to_thread(rudderstack, collector.url, "wrong", True)
    assert {(error.status, error.code) for error in errors} == {(401, "unauthorized")}


class Snowplow:
    """Snowplow's tracker, and what it says about delivery."""

    def __init__(self, url: str, method: Any, application: str | None) -> None:
        self.sent, self.failed = 0, 0
        emitter = Emitter(
            url,
            method=method,
            batch_size=1 if method == "get" else 10,
            on_success=self._sent,
            on_failure=self._failed,
            max_retry_delay_seconds=1,
        )
        self.emitter = emitter
        subject = Subject().set_domain_user_id("device").set_user_id("u").set_domain_session_id("s")
        self.tracker = Tracker("test", emitter, subject, application, encode_base64=method == "get")

    def _sent(self, events: Any) -> None:
        self.sent += len(events)

    def _failed(self, sent: int, events: Any) -> None:
        self.failed += len(events)

    def journey(self) -> None:
        """A visit, a request and an event of one's own."""
        email = SelfDescribingJson("iglu:com.acme/demo_requested/jsonschema/1-0-0", {"email": "ada@firm.test"})
        self.tracker.track(PageView("https://x.test/pricing", page_title="Pricing"))
        self.tracker.track(SelfDescribing(email))
        self.tracker.track(StructuredEvent(category="calculator", action="used", value=7))
        self.tracker.flush()


@pytest.mark.parametrize("method", ["post", "get"])
async def test_snowplow_s_tracker_delivers_by_post_and_by_get(collector: Running, method: str) -> None:
    snowplow = Snowplow(collector.url, method, BROWSER_KEY)
    await asyncio.to_thread(snowplow.journey)
    assert (snowplow.sent, snowplow.failed) == (3, 0)
    page, form, own = collector.gateway.events()
    assert (page["type"], page["title"], page["session_id"]) == ("page_viewed", "Pricing", "s")
    assert (form["type"], form["form_type"], form["email"]) == ("form_submitted", "demo", "ada@firm.test")
    assert (own["type"], own["name"]) == ("custom", "used")
    assert {event["source"] for event in (page, form, own)} == {"website"}
    assert {event["anonymous_id"] for event in (page, form, own)} == {"device"}


async def test_a_key_in_the_address_makes_snowplow_s_tracker_a_server(collector: Running) -> None:
    url = collector.url.replace("://", f"://{SERVER_KEY}:@")
    snowplow = Snowplow(url, "post", "any-application")
    await asyncio.to_thread(snowplow.journey)
    assert snowplow.sent == 3
    assert {event["source_kind"] for event in collector.gateway.events()} == {"server"}


async def test_an_unknown_application_is_refused_for_good(collector: Running) -> None:
    snowplow = Snowplow(collector.url, "post", "unknown")
    await asyncio.to_thread(snowplow.journey)
    assert (snowplow.failed, snowplow.emitter.event_store.size()) == (3, 0)  # not kept for another try
    assert collector.gateway.events() == []


async def test_snowplow_s_tracker_sends_again_what_kafka_could_not_take(collector: Running) -> None:
    collector.gateway.away = AWAY
    snowplow = Snowplow(collector.url, "post", BROWSER_KEY)
    await asyncio.to_thread(snowplow.journey)
    assert snowplow.sent == 0
    collector.gateway.away = None
    await eventually(lambda: snowplow.sent == 3)
    assert len(collector.gateway.events()) == 3
