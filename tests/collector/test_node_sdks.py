"""The unmodified SDKs for Node and for browsers against a running collector."""

import asyncio
import json
from collections import Counter

import pytest

from streams.collector.kafka_gateway import AWAY
from streams.topics import FORM_SUBMISSIONS, WEB_VISITS
from tests.collector.conftest import BROWSER_KEY, SERVER_KEY, Running
from tests.collector.sdk_machine import need, node, visiting

EVERY_CALL = {
    "company_identified": 1,
    "form_submitted": 1,
    "identities_linked": 1,
    "lead_identified": 1,
    "page_viewed": 2,
}


@pytest.mark.parametrize("sdk", ["segment", "rudderstack"])
async def test_every_call_of_the_sdk_for_node_arrives(collector: Running, sdk: str) -> None:
    need()
    assert await node("call.mjs", sdk, collector.url, SERVER_KEY) == ['{"done":true}']
    events = collector.gateway.events()
    assert Counter(event["type"] for event in events) == EVERY_CALL
    assert {event["source_kind"] for event in events} == {"server"}
    known = next(event for event in events if event["type"] == "lead_identified")
    assert (known["email"], known["company"]) == ("ada@firm.test", "Firm")


async def test_the_sdk_for_node_sends_again_what_kafka_could_not_take(collector: Running) -> None:
    need()
    collector.gateway.away = AWAY
    sending = asyncio.create_task(node("call.mjs", "segment", collector.url, SERVER_KEY))
    while collector.metric("leadstreams_collector_rejected_total", reason="unavailable") < 1:
        assert not sending.done(), sending.result()
        await asyncio.sleep(0.02)
    collector.gateway.away = None
    assert await sending == ['{"done":true}']
    assert Counter(event["type"] for event in collector.gateway.events()) == EVERY_CALL


SEGMENT = """
<script src="/sdk/@segment/analytics-next/dist/umd/index.js"></script>
<script>
  const analytics = AnalyticsNext.AnalyticsBrowser.load(
    { writeKey: KEY, cdnSettings: { integrations: { "Segment.io": { apiKey: KEY } }, plan: {} } },
    { integrations: { "Segment.io": { apiHost: HOST + "/v1", protocol: "http" } } },
  );
  analytics.page("Pricing");
  analytics.identify("u", { email: "ada@firm.test", company: "Firm" });
  analytics.track("Demo Requested", { email: "ada@firm.test" });
  analytics.group("g", { name: "Firm" });
</script>
"""
RUDDERSTACK = """
<script src="/sdk/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"></script>
<script>
  const analytics = new rudderanalytics.RudderAnalytics();
  analytics.load(KEY, "http://" + HOST, { configUrl: "http://" + HOST });
  analytics.page("Pricing");
  analytics.identify("u", { email: "ada@firm.test", company: "Firm" });
  analytics.track("Demo Requested", { email: "ada@firm.test" });
  analytics.group("g", { name: "Firm" });
</script>
"""
SNOWPLOW = """
<script src="/sdk/@snowplow/browser-tracker/dist/index.umd.js"></script>
<script>
  const snowplow = snowplowBrowserTracking;
  snowplow.newTracker("t", "http://" + HOST, { appId: KEY, eventMethod: METHOD, encodeBase64: METHOD === "get" });
  snowplow.setUserId("u");
  snowplow.trackPageView({ title: "Pricing" });
  snowplow.trackSelfDescribingEvent({
    event: { schema: "iglu:com.acme/demo_requested/jsonschema/1-0-0", data: { email: "ada@firm.test" } },
  });
  snowplow.trackStructEvent({ category: "calculator", action: "used", value: 7 });
</script>
"""


def page(collector: Running, text: str, method: str = "post") -> str:
    """A web page that tracks to the collector."""
    host = collector.url.removeprefix("http://")
    values = f"const HOST = {json.dumps(host)}, KEY = {json.dumps(BROWSER_KEY)}, METHOD = {json.dumps(method)};"
    return f"<!doctype html><title>Pricing</title><body><script>{values}</script>{text}"


@pytest.mark.parametrize("text", [SEGMENT, RUDDERSTACK], ids=["segment", "rudderstack"])
async def test_the_sdk_for_browsers_delivers_from_another_origin(collector: Running, text: str) -> None:
    need(browser=True)
    async with visiting(page(collector, text)) as visit:
        await visit.until(lambda: len(collector.gateway.events()) >= 4)
    events = {event["type"]: event for event in collector.gateway.events()}
    assert set(events) == {"page_viewed", "lead_identified", "form_submitted", "company_identified"}
    assert {event["source_kind"] for event in events.values()} == {"browser"}
    assert len({event["anonymous_id"] for event in events.values()}) == 1
    assert events["page_viewed"]["url"].startswith("http://localhost:")
    assert events["page_viewed"]["title"] == "Pricing"
    assert events["form_submitted"]["email"] == "ada@firm.test"
    assert not any("is_machine" in event for event in events.values())


@pytest.mark.parametrize("method", ["post", "get"])
async def test_snowplow_s_tracker_delivers_from_another_origin(collector: Running, method: str) -> None:
    need(browser=True)
    async with visiting(page(collector, SNOWPLOW, method)) as visit:
        await visit.until(lambda: len(collector.gateway.events()) >= 3)
    (form,) = collector.gateway.events(FORM_SUBMISSIONS)
    viewed, own = collector.gateway.events(WEB_VISITS)
    assert viewed["type"] == "page_viewed"
    assert viewed["url"].startswith("http://localhost:")
    assert viewed["session_id"]
    assert (form["form_type"], form["email"], form["user_id"]) == ("demo", "ada@firm.test", "u")
    assert (own["type"], own["name"], own["anonymous_id"]) == ("custom", "used", viewed["anonymous_id"])
