"""In a real Chromium, against a pipeline of processes: what happens is seen as it happens."""

import asyncio
import time
from typing import Any

from tests.console.chromium import Chromium
from tests.console.conftest import Running

WITHIN_S = 1.0


def demo_request(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Who it is, as a CRM tells it, and the request that hands the lead over."""
    who = f"{name.lower()}@looms.example"
    traits = {"job_title": "Head of Operations", "firstName": name, "lastName": "Lovelace"}
    company = {"company": "Lovelace Looms", "employees": "500-999", "industry": "Machinery", "country": "GB"}
    request = {"userId": who, "event": "Demo Requested", "properties": company}
    return [("identify", {"userId": who, "traits": traits}), ("track", request)]


async def test_a_demo_request_is_a_visible_handoff_within_a_second_without_a_reload(
    running: Running, browser: Chromium
) -> None:
    assert await browser.open("/") == 200
    await browser.do("run", code="window.untouched = true")
    await browser.wait("#live-state:not(:empty)")
    while await browser.text("#live-state") != "As they happen":  # noqa: ASYNC110  a page has no event for that
        await asyncio.sleep(0.02)
    told, asked = demo_request("Ada")
    await asyncio.to_thread(running.send, *told)
    started = time.monotonic()
    await asyncio.to_thread(running.send, *asked)
    await browser.wait("#live li.fresh")
    took = time.monotonic() - started
    assert "Ada Lovelace" in await browser.text("#live li")
    assert "Asked for a demo" in await browser.text("#live li")
    assert await browser.do("run", code="window.untouched") is True
    assert took < WITHIN_S, f"{took:.2f} s"
    assert await browser.do("said") == []
