"""A gateway that keeps records in memory and can be slow, full or away, as Kafka can."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from streams import topics
from streams.collector.gateway import Outgoing, Unavailable


async def eventually(condition: Callable[[], bool], within: float = 10.0) -> None:
    """Returns when the condition holds; TimeoutError if it does not within the time (seconds)."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)


class MemoryGateway:
    """Acknowledges at once, unless told to wait (`acknowledging.clear()`) or to be away."""

    def __init__(self, partitions: int = 4) -> None:
        self.records: list[Outgoing] = []
        self.away: Unavailable | None = None
        self.lose: Unavailable | None = None
        self.acknowledging = asyncio.Event()
        self.acknowledging.set()
        self._partitions = dict.fromkeys((*topics.INPUTS, topics.DEAD_LETTERS), partitions)

    @property
    def unavailable(self) -> Unavailable | None:
        return self.away

    @property
    def partitions(self) -> Mapping[str, int]:
        return self._partitions

    async def publish(self, records: Sequence[Outgoing]) -> Unavailable | None:
        if self.away is not None:
            return self.away
        await self.acknowledging.wait()
        if self.lose is None:
            self.records += records
        return self.lose

    def events(self, topic: str | None = None) -> list[dict[str, Any]]:
        """The events that were acknowledged, in order."""
        return [
            msgspec.json.decode(record.value)
            for record in self.records
            if record.topic == topic or (topic is None and record.topic != topics.DEAD_LETTERS)
        ]

    def dead(self) -> list[tuple[str, bytes]]:
        """Reason and raw bytes of each dead letter."""
        return [
            (dict(record.headers)["reason"].decode(), record.value)
            for record in self.records
            if record.topic == topics.DEAD_LETTERS
        ]
