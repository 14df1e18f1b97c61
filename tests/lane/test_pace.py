"""How soon a partition is flushed: at once after a quiet time, then at a pace, sooner for what sales waits for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streams import topics
from streams.changes import Changes
from streams.lane import tenure as lane_tenure
from streams.lane.lane import Lane
from streams.lane.tenure import BACKLOG_RECORDS, Tenure
from streams.settings import Settings

LONG_S = 3600.0
PATIENCE_S = 10.0
TURNS = 200


class Work:
    """A partition with something to flush when a test says so."""

    number = 0
    offsets: dict[str, int]

    def __init__(self) -> None:
        self.pending = 0
        self.urgent = False
        self.offsets = {}

    def take(self) -> Changes:
        events, self.pending, self.urgent = self.pending, 0, False
        return Changes([], (b"meta", b""), None, [], {}, events)

    def confirm(self) -> None:
        """Nothing to remember."""


class Flushes:
    """A writer to which everything is durable at once."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[int] = asyncio.Queue()

    async def write(self, changes: Changes) -> int:
        self.events.put_nowait(changes.events)
        return 0


class Bench:
    """A tenure at work, its partition and its flushes."""

    def __init__(self) -> None:
        lane = Lane(Settings(broker="localhost:1"), lambda number, partitions: Work(), [topics.WEB_VISITS], 1)  # type: ignore[arg-type,return-value]
        lane.flush_s = 0.0
        self.tenure = lane.tenures[0] = Tenure(lane, 0)
        self.work, self.flushes = Work(), Flushes()
        self.tenure.partition = self.work  # type: ignore[assignment]
        self.tenure._writer = self.flushes  # type: ignore[assignment]
        self.tenure.epoch = 1

    def change(self, urgent: bool = False) -> None:
        self.work.pending += 1
        self.work.urgent |= urgent
        self.tenure.touched()

    async def flushed(self) -> int:
        """The events of the next flush."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.flushes.events.get()

    async def waits(self) -> bool:
        """Whether nothing is flushed however often the loop turns."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return self.flushes.events.empty()


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    found = Bench()
    working = asyncio.create_task(found.tenure._work())
    yield found
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


@pytest.fixture(autouse=True)
def paces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is hurried within this test's time, and the pace is longer than it."""
    monkeypatch.setattr(lane_tenure, "HURRY_S", 0.0)
    monkeypatch.setattr(lane_tenure, "PACE_S", LONG_S)


async def quiet_before(one: Bench) -> None:
    """The last flush was long ago."""
    one.tenure._flushed_at -= 2 * LONG_S


async def test_after_a_quiet_time_a_change_is_flushed_at_once() -> None:
    async with bench() as one:
        await quiet_before(one)
        one.change()
        assert await one.flushed() == 1


async def test_what_nobody_waits_for_waits_for_more() -> None:
    async with bench() as one:
        await quiet_before(one)
        one.change()
        assert await one.flushed() == 1
        one.change()
        one.change()
        assert await one.waits()


async def test_a_handoff_does_not_wait_and_takes_along_what_does() -> None:
    async with bench() as one:
        await quiet_before(one)
        one.change()
        assert await one.flushed() == 1
        one.change()
        assert await one.waits()
        one.change(urgent=True)
        assert await one.flushed() == 2


async def test_handoffs_too_come_at_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_tenure, "HURRY_S", LONG_S)
    async with bench() as one:
        await quiet_before(one)
        one.change(urgent=True)
        assert await one.flushed() == 1
        one.change(urgent=True)
        assert await one.waits()


async def test_amid_a_backlog_a_handoff_waits_like_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_tenure, "COALESCE_S", LONG_S)
    async with bench() as one:
        at = one.tenure.positions[topics.WEB_VISITS]
        at.end = at.applied_to + BACKLOG_RECORDS + 1
        one.change(urgent=True)
        assert await one.waits()
