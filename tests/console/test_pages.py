"""Every page in a real Chromium: looked at by axe-core in light, dark and 360 px, without errors or strangers."""

import asyncio
import hashlib
import json
import os
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from streams.console import access
from streams.console.access import Access
from streams.console.desk import DESK
from tests.cli.conftest import Cli, cli, environment
from tests.collector.sdk_machine import need
from tests.console.chromium import Chromium, chromium
from tests.console.conftest import Running, until
from tests.console.shelf import FORMULA, LONG, SCRIPT, TURNED, shelf
from tests.console.test_live import demo_request

SHOTS = os.environ.get("LEADSTREAMS_SHOTS")
"""A directory for a screenshot of each page, to be looked at."""
LOOKS = {
    f"{scheme}-{width}-{language}": {"width": width, "scheme": scheme, "language": language}
    for scheme in ("light", "dark")
    for width in (1280, 360)
    for language in ("en", "ja")
}
USUAL = ("light-1280-en", "dark-1280-ja", "light-360-ja", "dark-360-en")
"""Every scheme at every width, and both languages; all looks for screenshots."""
ALWAYS = [one for one in LOOKS if one in USUAL or SHOTS]
LATE = {"userId": "late@looms.example", "event": "Demo Requested", "timestamp": "2039-01-01T00:00:00Z"}
"""What is refused: it happened in the future."""
CROWD = (
    ("花子", "山田", "株式会社サンプル製作所", "sample-seisaku.example", "情報システム部長"),
    ("Jonathan", "Featherstonehaugh-Cholmondeley", "International Widgets", "widgets.example", "VP of Operations"),
    ("Zoë", "Ng", "Ångström AB", "angstrom.example", "CEO"),
)
__all__ = ["cli", "environment"]


@pytest.fixture(scope="module")
def people(running: Running) -> dict[str, str]:
    """Lead keys: somebody handed over, and somebody hostile."""
    for call in demo_request("Grace"):
        running.send(*call)
    evil = {"firstName": SCRIPT, "lastName": TURNED, "job_title": LONG, "company": FORMULA}
    running.send("identify", {"userId": "hostile@evil.example", "traits": evil})
    form = {"company": FORMULA, "message": SCRIPT, "employees": "500", "country": "GB"}
    running.send("track", {"userId": "hostile@evil.example", "event": "Contact Requested", "properties": form})
    for first, last, company, domain, title in CROWD:
        traits = {"firstName": first, "lastName": last, "company": company, "job_title": title, "employees": "700"}
        running.send("identify", {"userId": f"somebody@{domain}", "traits": traits})
        for name in ("Whitepaper Downloaded", "Demo Requested"):
            asked = {"company": company, "employees": "700", "country": "JP", "industry": "Machinery"}
            running.send("track", {"userId": f"somebody@{domain}", "event": name, "properties": asked})
    for number in range(12):
        running.send("track", {"userId": f"reader{number}@many.example", "event": "Whitepaper Downloaded"})
    running.send("batch", {"batch": [{"type": "track", **LATE}]})
    keys: dict[str, str] = {}
    for name, text in (("grace", "grace@looms.example"), ("hostile", "hostile@evil.example")):
        keys[name] = until(f"{name} is known", partial(_key, running, text))
    until("Grace is handed over", lambda: running.get(f"/api/v1/leads/{keys['grace']}")["handoffs"])
    until("something is refused", lambda: running.get("/api/v1/dead-letters")["letters"])
    return keys


def _lead(running: Running, text: str) -> dict[str, Any]:
    """What is known of a lead; empty while neither its worker answers nor the copy has it."""
    try:
        found: dict[str, Any] = running.get(f"/api/v1/leads/{text}")
    except OSError:
        return {}
    return found


def _key(running: Running, text: str) -> str | None:
    return _lead(running, text).get("lead_key")


@pytest.fixture(scope="module")
def trial(running: Running, people: dict[str, str]) -> str:
    """The path of a trial that is over."""
    asked = urllib.request.Request(
        f"{running.url}/api/v1/model/trials",
        json.dumps({"stages.sql.enter": 95}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        name = json.load(answer)["trial"]
    until("the trial is over", lambda: running.get(f"/api/v1/model/trials/{name}")["all"])
    return f"/model/trials/{name}"


def paths(running: Running, people: dict[str, str]) -> dict[str, str]:
    accounts = running.get("/api/v1/accounts")["accounts"]
    letters = running.get("/api/v1/dead-letters")["letters"]
    account = next(one for one in accounts if one["domain"] == "looms.example")
    return {
        "now": "/",
        "leads": "/leads",
        "held": "/leads?held=1&stage=mql",
        "found": "/leads?q=Lovelace",
        "lead": f"/leads/{people['grace']}",
        "hostile": f"/leads/{people['hostile']}",
        "accounts": "/accounts",
        "account": f"/accounts/{account['account_key']}",
        "model": "/model",
        "operations": "/operations",
        "letter": f"/operations/dead-letters/{letters[0]['id']}",
    }


@pytest.mark.parametrize("look", ALWAYS)
async def test_every_page_is_whole_quiet_and_accessible(
    running: Running, browser: Chromium, people: dict[str, str], trial: str, look: str
) -> None:
    await browser.do("look", **LOOKS[look])
    for name, path in {**paths(running, people), "trial": trial}.items():
        assert await browser.open(path) == 200, name
        await whole(browser, name, look)
    assert await browser.do("said") == []
    assert await browser.open("/leads/e1-0123456789abcdef0123456789abcdef") == 404
    await whole(browser, "missing", look)
    assert await browser.do("origins") == [running.url]


async def whole(browser: Chromium, name: str, look: str) -> None:
    """Nothing that axe-core finds serious, and nothing to scroll sideways."""
    if SHOTS:
        await browser.shot(Path(SHOTS) / f"{name}-{look}.png")
    assert await browser.faults() == [], name
    assert await browser.do("overflow") <= 0, name


@pytest.mark.parametrize("look", ALWAYS)
async def test_what_is_seen_by_whom_may_see_little_is_whole_too(tmp_path: Path, look: str) -> None:
    """The login, a refusal, masked pages, and pages while the read model is being built."""
    need(browser=True)
    found = shelf(tmp_path)
    app = found.app(access_to_all(tmp_path))
    async with TestServer(app) as server, chromium(f"http://{server.host}:{server.port}") as browser:
        await browser.do("look", **LOOKS[look])
        assert await browser.open("/") == 200
        assert await browser.do("url") == f"{browser.base}/login"
        await whole(browser, "login", look)
        await log_in(browser, "wrong")
        assert await browser.text("[role=alert]")
        await whole(browser, "login-wrong", look)
        await log_in(browser, "anna")
        assert await browser.do("url") == f"{browser.base}/"
        assert await browser.open("/operations") == 403
        await whole(browser, "refused", look)
        for name, path in {"masked-now": "/", "masked-lead": f"/leads/{found.plain}"}.items():
            assert await browser.open(path) == 200
            assert "Ada" not in await browser.text("main")
            await whole(browser, name, look)
        app[DESK].feed.ready.clear()
        for name, path in {"building-now": "/", "building-leads": "/leads"}.items():
            assert await browser.open(path) == 200
            assert await browser.texts("[role=status].notice")
            await whole(browser, name, look)
        found.store.path.unlink()
        found.store.close()
        assert await browser.open("/leads") == 503
        await whole(browser, "unbuilt", look)


async def log_in(browser: Chromium, token: str) -> None:
    await browser.do("type", selector="[name=token]", text=token)
    await browser.do("submit", selector="form[action='/login'] button")


def access_to_all(directory: Path) -> Access:
    """Anna, of marketing, whose token is her name."""
    path = directory / "access.toml"
    digest = hashlib.sha256(b"anna").hexdigest()
    path.write_text(f'[tokens.anna]\nsha256 = "{digest}"\nroles = ["marketing"]\n')
    found = access.load(path)
    assert isinstance(found, Access), found
    return found


async def test_a_hostile_lead_is_text_everywhere(
    running: Running, browser: Chromium, people: dict[str, str]
) -> None:
    for name, path in {**paths(running, people), "formula": "/leads?q=%3DHYPER"}.items():
        await browser.open(path)
        assert await browser.do("run", code="document.querySelectorAll('main script, main iframe').length") == 0, (
            name
        )
    await browser.open(f"/leads/{people['hostile']}")
    assert SCRIPT in await browser.text("h1")
    assert FORMULA in await browser.text("dl")
    assert LONG[:3000] in await browser.text("dl")
    assert await browser.do("said") == []


async def test_the_keyboard_reaches_the_content_and_the_pages(
    running: Running, browser: Chromium, people: dict[str, str]
) -> None:
    await browser.open("/leads")
    await browser.do("keys", keys=["Tab", "Enter", "Tab"])
    focus = "document.activeElement.closest('main') !== null"
    assert await browser.do("run", code=focus) is True


async def test_the_language_is_the_browsers_and_can_be_chosen(running: Running, browser: Chromium) -> None:
    await browser.do("look", language="ja")
    await browser.open("/")
    assert await browser.text("h1") == "現在"
    await browser.do("submit", selector="button[name=language]")
    assert await browser.text("h1") == "Now"
    await browser.open("/leads")
    assert await browser.text("h1") == "Leads"


# --- the same numbers as the commands


DECAYED = 0.02
"""Points that decay between two questions."""


def same(ours: Any, theirs: Any, place: str = "") -> None:
    """Equal; numbers up to what decays meanwhile, and not the instant of the question."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), place
        for name in ours:
            if name not in ("at", "score_at", "events_per_second_and_core"):
                same(ours[name], theirs[name], f"{place}.{name}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), place
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            same(*pair, f"{place}[{number}]")
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, abs=DECAYED), place
    else:
        assert ours == theirs, place


@pytest.fixture
def told(running: Running, cli: Cli, people: dict[str, str]) -> Any:
    """What a command says, as JSON."""
    given = {name: value for name, value in running.environment.items() if name.startswith("LEADSTREAMS_")}

    def ask(*arguments: str) -> Any:
        called = cli(*arguments, "--json", **given)
        assert called.code == 0, called.err
        return called.json()

    return ask


async def asked(told: Any, *arguments: str) -> Any:
    return await asyncio.to_thread(told, *arguments)


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/api/v1/leads?limit=20", ["leads"]),
        ("/api/v1/leads?limit=20&names", ["leads", "--names"]),
        ("/api/v1/leads?stage=sql&sort=entered&limit=20", ["leads", "--stage", "sql", "--sort", "entered"]),
        ("/api/v1/leads?held=1&sort=last&limit=20", ["leads", "--held", "--sort", "last"]),
        ("/api/v1/dead-letters", ["dead-letters", "list"]),
        ("/api/v1/models", ["model", "list"]),
    ],
)
async def test_the_api_says_what_the_command_says(
    running: Running, told: Any, path: str, arguments: list[str]
) -> None:
    same(running.get(path), await asked(told, *arguments))


STANDING = ("lag_records", "leads", "overdue", "lost", "failures", "halted", "waiting", "state_bytes")
"""Figures of Operations that are as of now; the others are rates since the last look, which was another."""


async def test_operations_says_what_top_says(running: Running, told: Any) -> None:
    said = await asked(told, "top", "--every", "0.2")
    found = running.get("/api/v1/operations")
    assert found.keys() == said.keys()
    same({name: found[name] for name in STANDING}, {name: said[name] for name in STANDING})


async def test_a_leads_page_shows_what_explain_says(
    running: Running, browser: Chromium, told: Any, people: dict[str, str]
) -> None:
    said = await asked(told, "explain", people["grace"])
    same(running.get(f"/api/v1/leads/{people['grace']}"), said)
    await browser.open(f"/leads/{people['grace']}")
    (score,) = await browser.attributes("[data-score]", "data-score")
    assert float(score) == pytest.approx(said["score"], abs=0.05)
    shown = [float(value) for value in await browser.attributes("[data-value]", "data-value")]
    assert shown == pytest.approx([point["value"] for point in said["points"]], abs=0.05)


async def test_the_score_at_any_instant_is_that_of_explain(
    running: Running, told: Any, people: dict[str, str]
) -> None:
    curve = running.get(f"/api/v1/leads/{people['grace']}/score")
    assert curve["points"][-1][1] < max(score for _, score in curve["points"])  # it decays
    moment = running.get(f"/api/v1/leads/{people['grace']}/score?at=2027-01-05T10:00")
    said = await asked(told, "explain", people["grace"], "--at", "2027-01-05T10:00")
    assert moment["score"] == pytest.approx(said["score"], abs=1e-9)


async def test_the_stages_on_the_page_are_those_of_leads(running: Running, browser: Chromium, told: Any) -> None:
    counts = (await asked(told, "leads"))["counts"]
    await browser.open("/")
    names = await browser.attributes("[data-count]", "data-count")
    shown = dict(zip(names, await browser.texts("[data-count]"), strict=True))
    assert {name: int(text) for name, text in shown.items() if text != "0"} == counts
    held = (await asked(told, "leads", "--held", "--limit", "1000"))["leads"]
    codes = sorted({code for one in held for code in one["held"]})
    assert sorted(await browser.attributes("[data-held]", "data-held")) == codes


# --- what changing the model would do


async def test_moving_a_threshold_shows_what_a_backtest_of_the_saved_file_says(
    running: Running, browser: Chromium, told: Any, tmp_path: Path
) -> None:
    await browser.open("/model")
    await browser.do("type", selector="[name='stages.sql.enter']", text="95")
    await browser.do("submit", selector="form[action='/model/trials'] button")
    await browser.wait(".result.whole")
    names = await browser.attributes("[data-kind]", "data-kind")
    shown = dict(zip(names, map(int, await browser.texts("[data-kind]")), strict=True))
    trial = (await browser.do("url")).rpartition("/")[2]
    found = running.get(f"/api/v1/model/trials/{trial}")
    assert found["changed"] == {"stages.sql.enter": 95}
    saved = tmp_path / "changed.yaml"
    await asyncio.to_thread(_save, running, trial, saved)
    said = await asked(told, "backtest", "b2b", str(saved))
    assert shown == said["counts"]
    same(found["all"], said)


def _save(running: Running, trial: str, path: Path) -> None:
    with urllib.request.urlopen(f"{running.url}/model/trials/{trial}/file", timeout=30) as answer:
        path.write_bytes(answer.read())


async def test_a_model_that_would_not_hold_is_refused_in_words(running: Running, browser: Chromium) -> None:
    await browser.open("/model")
    await browser.do("type", selector="[name='stages.sql.enter']", text="5")
    await browser.do("submit", selector="form[action='/model/trials'] button")
    assert "overlap" in await browser.text("[role=alert]")


# --- dead letters and erasure


async def test_a_dead_letter_is_sent_again_from_the_page(running: Running, browser: Chromium) -> None:
    await asyncio.to_thread(running.send, "batch", {"batch": [{"type": "track", **LATE}]})
    await asyncio.to_thread(until, "it is refused", lambda: running.get("/api/v1/dead-letters")["letters"])
    await browser.open("/operations")
    await browser.do("click", selector="tbody input[type=checkbox]")
    await browser.do("submit", selector="form[action$='/retry'] button")
    assert "sent again" in await browser.text("[role=status]")


async def test_an_erased_person_is_gone_from_every_page(
    running: Running, browser: Chromium, people: dict[str, str]
) -> None:
    for call in demo_request("Alan"):
        await asyncio.to_thread(running.send, *call)
    key = await asyncio.to_thread(until, "Alan is known", lambda: _key(running, "alan@looms.example"))
    await asyncio.to_thread(until, "he is handed over", lambda: _lead(running, key).get("handoffs"))
    export = await asyncio.to_thread(running.get, f"/leads/{key}/export")
    assert "alan@looms.example" in json.dumps(export)
    await browser.open(f"/leads/{key}")
    await browser.do("type", selector="[name=confirm]", text=key)
    await browser.do("submit", selector="form[action$='/erase'] button")
    await asyncio.to_thread(until, "it is erased", lambda: _lead(running, key).get("erased"))
    for path in ("/", "/leads", "/leads?q=Alan", f"/leads/{key}"):
        await browser.open(path)
        assert "Alan" not in await browser.text("main"), path
