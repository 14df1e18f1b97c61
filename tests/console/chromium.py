"""A real Chromium that does what a test tells it, through puppeteer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.collector.sdk_machine import CHROMIUM, SDK

PATIENCE_S: Final = 60.0
MOST_LINE: Final = 1 << 24


class Chromium:
    """One page. Every command fails with the browser's own words."""

    def __init__(self, process: asyncio.subprocess.Process, base: str) -> None:
        self._process = process
        self.base = base

    async def do(self, command: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **given}).encode() + b"\n")
        async with asyncio.timeout(PATIENCE_S):
            line = await self._process.stdout.readline()
        answer = json.loads(line)
        assert "failed" not in answer, f"{command} {given}: {answer['failed']}"
        return answer["found"]

    async def open(self, path: str) -> int:
        """The answer's status, once the page is loaded."""
        return int(await self.do("open", url=f"{self.base}{path}"))

    async def wait(self, selector: str, seconds: float = 20) -> None:
        await self.do("wait", selector=selector, seconds=seconds)

    async def text(self, selector: str) -> str:
        return str(await self.do("text", selector=selector))

    async def texts(self, selector: str) -> list[str]:
        return list(await self.do("texts", selector=selector))

    async def attributes(self, selector: str, name: str) -> list[str]:
        return list(await self.do("attribute", selector=selector, name=name))

    async def faults(self) -> list[dict[str, Any]]:
        """What axe-core finds serious or critical."""
        return [one for one in await self.do("axe") if one["impact"] in ("serious", "critical")]

    async def shot(self, path: Path) -> None:
        await self.do("shot", path=str(path))


@asynccontextmanager
async def chromium(base: str) -> AsyncIterator[Chromium]:
    process = await asyncio.create_subprocess_exec(
        *("node", "drive.mjs", str(CHROMIUM)),
        cwd=SDK,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MOST_LINE,
    )
    try:
        yield Chromium(process, base)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
