"""The project's own snippet in a real Chromium, on a page of another origin."""

import json
from typing import Any

import pytest

from streams.collector.mapping import Mapping
from streams.collector.request import Route
from streams.collector.routes import tracker_routes
from streams.collector.snippet import snippet_routes
from streams.collector.write_keys import WriteKeys
from streams.topics import FORM_SUBMISSIONS, WEB_VISITS
from tests.collector.conftest import BROWSER_KEY, Running
from tests.collector.sdk_machine import need, visiting


@pytest.fixture(scope="module")
def routes(mapping: Mapping, keys: WriteKeys) -> list[Route]:
    return [*tracker_routes(keys, mapping), *snippet_routes()]


FORM = """
<form id="demo-form" data-form-type="demo" action="/thanks">
  <input name="email" value="ada@firm.test"><input name="first_name" value="Ada">
  <input name="password" type="password" value="geheim-1"><input name="csrf" type="hidden" value="geheim-2">
  <input name="utm_content" type="hidden" value="footer">
  <input name="card" autocomplete="cc-number" value="geheim-3">
  <input name="secret" data-leadstreams="off" value="geheim-4"><input name="newsletter" type="checkbox" checked>
  <input name="unticked" type="checkbox" value="geheim-5"><textarea name="message">Show me</textarea>
  <button>Send</button>
</form>
"""


def page(collector: Running, script: str, *, before: str = "", tag: str = "", body: str = "") -> str:
    """A page with the snippet; `before` runs before it and `script` when it is there."""
    return f"""<!doctype html><title>Pricing</title><body>{body}
<script>{before}</script>
<script src="{collector.url}/snippet.js" data-key="{BROWSER_KEY}" {tag}></script>
<script>{script};console.log("ran")</script>"""


def events(collector: Running, topic: str = WEB_VISITS) -> list[dict[str, Any]]:
    return collector.gateway.events(topic)


async def test_a_page_view_arrives_with_who_where_and_which_campaign(collector: Running) -> None:
    need(browser=True)
    before = 'history.replaceState(null, "", "/?utm_source=google&utm_campaign=autumn%202026")'
    async with visiting(page(collector, "", before=before)) as visit:
        await visit.until(lambda: len(events(collector)) == 1)
    (view,) = events(collector)
    assert (view["type"], view["title"], view["library"]) == ("page_viewed", "Pricing", "leadstreams.js")
    assert (view["source"], view["source_kind"]) == ("website", "browser")
    assert (view["utm_source"], view["utm_campaign"]) == ("google", "autumn 2026")
    assert view["url"].startswith("http://localhost:")
    assert len(view["anonymous_id"]) == len(view["session_id"]) == len(view["event_id"]) == 32


async def test_a_form_arrives_although_the_page_is_left_and_secrets_stay(collector: Running) -> None:
    need(browser=True)
    script = 'if (location.pathname == "/") document.forms[0].requestSubmit()'
    async with visiting(page(collector, script, body=FORM)) as visit:
        await visit.until(lambda: len(events(collector)) == 2)
        await visit.until(lambda: len(events(collector, FORM_SUBMISSIONS)) == 1)
    (form,) = events(collector, FORM_SUBMISSIONS)
    assert (form["form_id"], form["form_type"], form["email"]) == ("demo-form", "demo", "ada@firm.test")
    assert (form["first_name"], form["message"]) == ("Ada", "Show me")
    assert form["properties"]["newsletter"] is True
    assert form["properties"]["utm_content"] == "footer"
    assert "geheim" not in json.dumps(form)
    assert {event["anonymous_id"] for event in events(collector)} == {form["anonymous_id"]}
    assert any("/thanks" in event["url"] for event in events(collector))


async def test_a_page_that_never_loads_anew_tells_each_of_its_pages_once(collector: Running) -> None:
    need(browser=True)
    script = """
      history.pushState(null, "", "/a"); history.replaceState(null, "", "/a");
      setTimeout(() => {
        history.pushState(null, "", "/b"); leadstreams.track("Whitepaper Downloaded", {name: "w"})
      }, 50)
    """
    async with visiting(page(collector, script)) as visit:
        await visit.until(lambda: len(events(collector)) == 4)
    assert sorted(event["type"] for event in events(collector)) == ["content_downloaded", *["page_viewed"] * 3]
    views = {
        event["url"].rpartition("/")[2]: event for event in events(collector) if event["type"] == "page_viewed"
    }
    assert set(views) == {"", "a", "b"}
    assert views["b"]["referrer"].endswith("/a")
    assert len({event["session_id"] for event in events(collector)}) == 1


async def test_half_an_hour_without_an_event_begins_a_new_visit_of_the_same_person(collector: Running) -> None:
    need(browser=True)
    script = """
      const later = () => {
        const [name, at] = localStorage.ls_session.split("."); localStorage.ls_session = name + "." + (at - 18e5)
      };
      leadstreams.track("One"); leadstreams.track("Two"); later(); leadstreams.track("Three")
    """
    async with visiting(page(collector, script)) as visit:
        await visit.until(lambda: len(events(collector)) == 4)
    session = {event.get("name", "page"): event["session_id"] for event in events(collector)}
    assert session["page"] == session["One"] == session["Two"] != session["Three"]
    assert len({event["anonymous_id"] for event in events(collector)}) == 1


WISHES = [
    'Object.defineProperty(Navigator.prototype, "doNotTrack", {get: () => "1"})',
    'Object.defineProperty(Navigator.prototype, "globalPrivacyControl", {get: () => true})',
]


@pytest.mark.parametrize("wish", WISHES, ids=["do-not-track", "global-privacy-control"])
async def test_who_does_not_want_it_is_left_alone(collector: Running, wish: str) -> None:
    need(browser=True)
    script = """
      document.forms[0].addEventListener("submit", event => event.preventDefault());
      document.forms[0].requestSubmit(); leadstreams.consent(true); leadstreams.track("One");
      console.log("kept:" + Object.keys(localStorage).filter(name => name != "ls_consent").join())
    """
    async with visiting(page(collector, script, before=wish, body=FORM)) as visit:
        await visit.until(lambda: any("ran" in line for line in visit.said))
    assert '"kept:"' in visit.said
    assert collector.gateway.events() == []


async def test_where_consent_is_required_nothing_goes_before_it_or_after_its_end(collector: Running) -> None:
    need(browser=True)
    script = """
      leadstreams.track("Before"); console.log("kept:" + Object.keys(localStorage).join());
      leadstreams.consent(true); leadstreams.track("Between");
      leadstreams.consent(false); leadstreams.track("After");
      console.log("left:" + Object.keys(localStorage).join())
    """
    async with visiting(page(collector, script, tag='data-consent="required"')) as visit:
        await visit.until(lambda: any("ran" in line for line in visit.said))
        await visit.until(lambda: len(events(collector)) == 2)
    assert sorted(event.get("name", "page") for event in events(collector)) == ["Between", "page"]
    assert '"kept:"' in visit.said
    assert '"left:ls_consent"' in visit.said


async def test_without_sendbeacon_and_without_storage_it_works_all_the_same(collector: Running) -> None:
    need(browser=True)
    before = """
      navigator.sendBeacon = () => false;
      Object.defineProperty(window, "localStorage", {get: () => { throw new Error("blocked") }})
    """
    async with visiting(page(collector, 'leadstreams.track("One")', before=before)) as visit:
        await visit.until(lambda: len(events(collector)) == 2)
    assert len({event["anonymous_id"] for event in events(collector)}) == 1
