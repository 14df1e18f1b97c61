"""From a page in a real Chromium to the handoff that sales gets, by every tracker a browser may have."""

import json

import pytest

from streams import topics
from streams.collector.mapping import Mapping
from streams.collector.request import Route
from streams.collector.routes import tracker_routes
from streams.collector.snippet import snippet_routes
from streams.collector.write_keys import WriteKeys
from streams.identity.keys import Secret
from streams.local import Local
from streams.model_file import load
from streams.scoring.instant import milliseconds
from streams.scoring.model import Model
from streams.shard import Terms
from tests.collector.conftest import BROWSER_KEY, Running
from tests.collector.sdk_machine import need, visiting


@pytest.fixture(scope="module")
def routes(mapping: Mapping, keys: WriteKeys) -> list[Route]:
    return [*tracker_routes(keys, mapping), *snippet_routes()]


PERSON = {
    "email": "ada@firm.test",
    "title": "VP Marketing",
    "company": "Firm",
    "employees": 500,
    "industry": "software",
    "country": "JP",
    "phone": "+81 3 1234 5678",
    "message": "Please show us the product.",
}
SEGMENT = """
<script src="/sdk/@segment/analytics-next/dist/umd/index.js"></script>
<script>
  const analytics = AnalyticsNext.AnalyticsBrowser.load(
    { writeKey: KEY, cdnSettings: { integrations: { "Segment.io": { apiKey: KEY } }, plan: {} } },
    { integrations: { "Segment.io": { apiHost: HOST + "/v1", protocol: "http" } } },
  );
  analytics.page("Pricing");
  analytics.track("Demo Requested", PERSON);
</script>
"""
RUDDERSTACK = """
<script src="/sdk/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"></script>
<script>
  const analytics = new rudderanalytics.RudderAnalytics();
  analytics.load(KEY, "http://" + HOST, { configUrl: "http://" + HOST });
  analytics.page("Pricing");
  analytics.track("Demo Requested", PERSON);
</script>
"""
SNOWPLOW = """
<script src="/sdk/@snowplow/browser-tracker/dist/index.umd.js"></script>
<script>
  const snowplow = snowplowBrowserTracking;
  snowplow.newTracker("t", "http://" + HOST, { appId: KEY });
  snowplow.trackPageView({ title: "Pricing" });
  snowplow.trackSelfDescribingEvent({
    event: { schema: "iglu:com.acme/demo_requested/jsonschema/1-0-0", data: PERSON },
  });
</script>
"""
SNIPPET = """
<form id="demo" data-form-type="demo" action="/thanks"></form>
<script>
  const form = document.getElementById("demo");
  for (const [name, value] of Object.entries(PERSON)) {
    const input = document.createElement("input");
    input.name = name;
    input.value = value;
    form.append(input);
  }
</script>
<script src="http://SITE/snippet.js" data-key="WRITE_KEY"></script>
<script>if (location.pathname == "/") addEventListener("load", () => form.requestSubmit());</script>
"""


def page(collector: Running, text: str) -> str:
    host = collector.url.removeprefix("http://")
    values = f"const HOST = {json.dumps(host)}, KEY = {json.dumps(BROWSER_KEY)}, PERSON = {json.dumps(PERSON)};"
    own = text.replace("SITE", host).replace("WRITE_KEY", BROWSER_KEY)
    return f"<!doctype html><title>Pricing</title><body><script>{values}</script>{own}"


def scored(collector: Running) -> Local:
    """What the workers make of the collector's records."""
    model = load("b2b")
    assert isinstance(model, Model), model
    pipeline = Local(Terms(model, Secret(b"x" * 32)))
    for record in collector.gateway.records:
        event = json.loads(record.value)
        pipeline.feed(record.topic, record.value, milliseconds(event["received_at"]))
    return pipeline


@pytest.mark.parametrize(
    "text", [SEGMENT, RUDDERSTACK, SNOWPLOW, SNIPPET], ids=["segment", "rudder", "snow", "own"]
)
async def test_a_demo_request_in_a_page_becomes_a_handoff(collector: Running, text: str) -> None:
    need(browser=True)
    async with visiting(page(collector, text)) as visit:
        await visit.until(lambda: len(collector.gateway.events(topics.FORM_SUBMISSIONS)) >= 1)
    (handoff,) = scored(collector).outputs[topics.SALES_HANDOFFS]
    data = json.loads(handoff.value or b"")["data"]
    assert data["request_type"] == "demo"
    assert (data["email"], data["company"], data["message"]) == ("ada@firm.test", "Firm", PERSON["message"])
    assert data["contact_verified"] is False, "nobody but the browser has told the address"
    assert data["respond_by"] > data["last_activity_at"]
