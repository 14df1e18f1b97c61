"""The consumer's thread at a broker that goes away while it starts, and how batches are delivered."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.transport.drivers import aiokafka as faust_aiokafka

from streams.lane import driver
from streams.lane.driver import ConsumerThread
from streams.lane.record import Batch


class Consumer:
    """Counts how often it was ended."""

    stopped = 0

    async def stop(self) -> None:
        Consumer.stopped += 1


class Lane:
    def __init__(self) -> None:
        self.told: list[str] = []

    def troubled(self, who: str, error: Exception) -> None:
        self.told.append(f"{who}: {type(error).__name__}")


async def test_a_broker_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0

    async def starting(thread: Any) -> None:
        nonlocal attempts
        attempts += 1
        thread._consumer = Consumer()
        if attempts < 3:
            raise KafkaConnectionError("nobody there")

    monkeypatch.setattr(faust_aiokafka.AIOKafkaConsumerThread, "on_start", starting)
    monkeypatch.setattr(driver, "START_AGAIN_S", 0.0)
    monkeypatch.setattr(driver, "Reader", lambda consumer: consumer)
    thread = object.__new__(ConsumerThread)
    lane = Lane()
    owner: Any = type("Owner", (), {"lane": lane})()
    monkeypatch.setattr(ConsumerThread, "consumer", owner, raising=False)
    monkeypatch.setattr(ConsumerThread, "should_stop", False)

    async def sleep(thread: Any, seconds: float) -> None:
        return None

    monkeypatch.setattr(ConsumerThread, "sleep", sleep)
    await thread.on_start()
    assert attempts == 3
    assert Consumer.stopped == 2
    assert lane.told == ["consumer: KafkaConnectionError"] * 2
    assert isinstance(thread.reader, Consumer)


async def test_a_batch_is_applied_before_the_next_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    queues: dict[str, asyncio.Queue[Batch]] = {"a": asyncio.Queue(), "b": asyncio.Queue()}
    batches = [Batch(topic, 0, [], number, number, 1, 0) for number, topic in enumerate("abab")]
    reads = [batches]

    async def agent(topic: str) -> None:
        while True:
            batch = await queues[topic].get()
            happened.append(f"applied {batch.next_offset}")

    async def deliver(consumer: Any, batch: Batch) -> None:
        happened.append(f"delivered {batch.next_offset}")
        await queues[batch.topic].put(batch)

    class Thread:
        async def read(self, *_: Any) -> list[Batch]:
            monkeypatch.setattr(driver.Consumer, "should_stop", True)
            return reads.pop()

    monkeypatch.setattr(driver.Consumer, "should_stop", False)
    monkeypatch.setattr(driver.Consumer, "lane", type("Lane", (), {"wanted": {}, "room": None}))
    monkeypatch.setattr(driver.Consumer, "_deliver", deliver)
    consumer = object.__new__(driver.Consumer)
    consumer._thread = Thread()  # type: ignore[assignment]
    consumer.flow_active = True
    agents = [asyncio.create_task(agent(topic)) for topic in queues]
    await consumer._drain_messages(type("Fetcher", (), {"should_stop": False}))
    for task in agents:
        task.cancel()
    assert happened == [f"{what} {number}" for number in range(4) for what in ("delivered", "applied")]
