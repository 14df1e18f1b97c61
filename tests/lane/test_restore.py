"""Reading a log with a private consumer."""

import asyncio

import pytest

from streams.kafka_client import client_options
from streams.lane.restore import LogReader
from streams.settings import Settings


async def test_a_client_that_passes_on_its_own_tasks_end_ends_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = LogReader(client_options(Settings(broker="127.0.0.1:1")), "test")
    stop = reader._consumer.stop

    async def stop_and_pass_on() -> None:
        await stop()
        raise asyncio.CancelledError

    monkeypatch.setattr(reader._consumer, "stop", stop_and_pass_on)

    await reader.__aexit__()


async def test_who_is_cancelled_while_it_closes_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = LogReader(client_options(Settings(broker="127.0.0.1:1")), "test")
    stop, begun = reader._consumer.stop, asyncio.Event()

    async def stop_slowly() -> None:
        await stop()
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(reader._consumer, "stop", stop_slowly)
    closing = asyncio.create_task(reader.__aexit__())
    await begun.wait()
    closing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await closing
