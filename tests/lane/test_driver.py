"""The consumer's thread at a broker that goes away while it starts."""

from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.transport.drivers import aiokafka as faust_aiokafka

from streams.lane import driver
from streams.lane.driver import ConsumerThread


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
