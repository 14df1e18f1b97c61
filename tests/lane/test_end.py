"""Letting go of a partition whose task swallowed the cancellation, as tasks that wait in aiokafka may."""

import asyncio

import pytest

from streams import topics
from streams.lane import tenure as lane_tenure
from streams.lane.lane import Lane
from streams.lane.tenure import Tenure
from streams.settings import Settings


async def test_a_cancellation_that_was_swallowed_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_tenure, "CANCEL_AGAIN_S", 0.01)
    lane = Lane(Settings(broker="localhost:1"), lambda number, partitions: None, [topics.WEB_VISITS], 1)  # type: ignore[arg-type,return-value]
    swallowed = 0

    async def taking_over(tenure: Tenure) -> None:
        nonlocal swallowed
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed += 1
        await lane.stable.wait()  # set only when the end is over

    monkeypatch.setattr(Tenure, "_take_over", taking_over)
    tenure = Tenure(lane, 0)
    tenure.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tenure.end()
    assert swallowed == 1
    assert tenure.task is not None
    assert tenure.task.done()
