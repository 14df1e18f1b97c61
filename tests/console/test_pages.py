"""Every page in a real Chromium: looked at by axe-core in light, dark and 360 px, without errors or strangers."""

import asyncio
import json
import os
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, cli, environment
from tests.console.chromium import Chromium
from tests.console.conftest import Running, until
from tests.console.shelf import FORMULA, LONG, SCRIPT, TURNED
from tests.console.test_live import demo_request

SHOTS = os.environ.get("LEADSTREAMS_SHOTS")
"""A directory for a screenshot of each page, to be looked at."""
LOOKS = {
    "light": {"width": 1280, "scheme": "light"},
    "dark": {"width": 1280, "scheme": "dark"},
    "narrow": {"width": 360, "scheme": "light"},
    "japanese": {"width": 1280, "scheme": "light", "language": "ja"},
}
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
    keys: dict[str, str] = {}
    for name, text in (("grace", "grace@looms.example"), ("hostile", "hostile@evil.example")):
        keys[name] = until(f"{name} is known", partial(_key, running, text))
    until("Grace is handed over", lambda: running.get(f"/api/v1/leads/{keys['grace']}")["handoffs"])
    return keys


def _key(running: Running, text: str) -> str | None:
    try:
        return str(running.get(f"/api/v1/leads/{text}")["lead_key"])
    except OSError:
        return None


def paths(running: Running, people: dict[str, str]) -> dict[str, str]:
    accounts = running.get("/api/v1/accounts")["accounts"]
    return {
        "now": "/",
        "leads": "/leads",
        "held": "/leads?held=1&stage=mql",
        "lead": f"/leads/{people['grace']}",
        "hostile": f"/leads/{people['hostile']}",
        "accounts": "/accounts",
        "account": f"/accounts/{accounts[0]['account_key']}",
        "model": "/model",
        "operations": "/operations",
    }


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_whole_quiet_and_accessible(
    running: Running, browser: Chromium, people: dict[str, str], look: str
) -> None:
    await browser.do("look", **LOOKS[look])
    for name, path in paths(running, people).items():
        assert await browser.open(path) == 200, name
        assert await browser.faults() == [], name
        assert await browser.do("overflow") <= 0, name
        if SHOTS:
            await browser.shot(Path(SHOTS) / f"{name}-{look}.png")
    assert await browser.do("said") == []
    assert await browser.do("origins") == [running.url]


async def test_a_hostile_lead_is_text_everywhere(
    running: Running, browser: Chromium, people: dict[str, str]
) -> None:
    for name, path in {**paths(running, people), "found": "/leads?q=%3DHYPER"}.items():
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
    late = {"userId": "late@looms.example", "event": "Demo Requested", "timestamp": "2039-01-01T00:00:00Z"}
    await asyncio.to_thread(running.send, "batch", {"batch": [{"type": "track", **late}]})
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
    await asyncio.to_thread(until, "he is handed over", lambda: running.get(f"/api/v1/leads/{key}")["handoffs"])
    export = await asyncio.to_thread(running.get, f"/leads/{key}/export")
    assert "alan@looms.example" in json.dumps(export)
    await browser.open(f"/leads/{key}")
    await browser.do("type", selector="[name=confirm]", text=key)
    await browser.do("submit", selector="form[action$='/erase'] button")
    await asyncio.to_thread(until, "it is erased", lambda: running.get(f"/api/v1/leads/{key}")["erased"])
    for path in ("/", "/leads", "/leads?q=Alan", f"/leads/{key}"):
        await browser.open(path)
        assert "Alan" not in await browser.text("main"), path
