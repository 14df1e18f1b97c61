"""Node and Chromium, with trackers as their makers publish them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from tests.conftest import NOT_RUN

SDK: Final = Path(__file__).parent / "sdk"
PACKAGES: Final = SDK / "node_modules"
REQUIRE: Final = "LEADSTREAMS_REQUIRE_SDKS"
PATIENCE_S: Final = 30.0
CHROMIUM: Final = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


def missing(*, browser: bool) -> str | None:
    """Why the SDKs cannot run here and what to do, or None."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "install Node 20 or later, with npm"
    if not (PACKAGES / ".package-lock.json").exists():
        return "run make sdks"
    return "install chromium" if browser and CHROMIUM is None else None


def need(*, browser: bool = False) -> None:
    """Skip the test, or fail it where the SDKs are required, if this machine cannot run it."""
    remedy = missing(browser=browser)
    if remedy is None:
        return
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"the trackers are required here ({REQUIRE}=1): {remedy}", pytrace=False)
    pytest.skip(f"{NOT_RUN}{remedy}")


async def node(*arguments: str) -> list[str]:
    """The lines that a script of the SDK directory prints; it must end well within PATIENCE_S."""
    process = await asyncio.create_subprocess_exec(
        "node", *arguments, cwd=SDK, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, printed.decode()
    return printed.decode().splitlines()


@dataclass
class Visit:
    """A page that is open in Chromium, and what it has said so far."""

    said: list[str] = field(default_factory=list)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds; fails with the page's own words if it does not within PATIENCE_S."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():  # noqa: ASYNC110  what is waited for has no event
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail("the page did not get there; it said:\n" + "\n".join(self.said), pytrace=False)


@asynccontextmanager
async def visiting(html: str) -> AsyncIterator[Visit]:
    """Open a page of that text, on an origin of its own, in a real Chromium; packages are below `/sdk/`."""
    async with _site(html) as address:
        process = await asyncio.create_subprocess_exec(
            *("node", "browse.mjs", str(CHROMIUM), address),
            cwd=SDK,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        visit = Visit()
        hearing = asyncio.create_task(_hear(process, visit))
        try:
            yield visit
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await _ended(process)
            await hearing


async def _hear(process: asyncio.subprocess.Process, visit: Visit) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        visit.said.append(line.decode().rstrip())


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _site(html: str) -> AsyncIterator[str]:
    """A website on `localhost`, which is another origin than 127.0.0.1."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    site = web.Application()
    site.router.add_get("/", page)
    site.router.add_get("/thanks", page)
    site.router.add_static("/sdk/", PACKAGES)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://localhost:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
