"""A topic, dead letters and a receiver in memory: faithful to what the runner may rely on, and to nothing more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streams.connectors.base import Receiver
from streams.connectors.event import Event
from streams.connectors.outcome import Delivered, Outcome
from streams.connectors.runner import Pace, Runner
from streams.connectors.source import Record

PATIENCE_S = 20.0


class MemorySource:
    """One partition. What is read and not committed is read again by the next reader."""

    def __init__(self, values: Sequence[tuple[bytes, bytes | None]]) -> None:
        self.records = [Record(0, n, 1_000 + n, key, value) for n, (key, value) in enumerate(values)]
        self.committed: dict[int, int] = {0: 0}
        self._position = 0

    def rewind(self) -> None:
        """As after a crash."""
        self._position = self.committed[0]

    async def fetch(self, most: int) -> Sequence[Record]:
        if self._position >= len(self.records):
            await asyncio.sleep(0.01)
        found = self.records[self._position : self._position + most]
        self._position += len(found)
        return found

    async def commit(self, positions: Mapping[int, int]) -> bool:
        self.committed |= positions
        return True

    def lag(self, positions: Mapping[int, int]) -> int:
        return len(self.records) - positions.get(0, 0)

    @property
    def done(self) -> bool:
        return self.committed[0] == len(self.records)


class MemoryDeadLetters:
    def __init__(self) -> None:
        self.letters: list[tuple[int, str, str]] = []

    async def put(self, record: Record, reason: str, detail: str) -> bool:
        self.letters.append((record.offset, reason, detail))
        return True


class Scripted(Receiver):
    """Answers as a function says; keeps what it was asked, in order."""

    def __init__(self, answer: Callable[[Event], Outcome] = lambda _: Delivered(), batch: int = 1) -> None:
        self.batch = batch
        self.asked: list[Event] = []
        self.delivered: list[Event] = []
        self.at_once: list[int] = []
        self._active = 0
        self._answer = answer

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        self._active += 1
        self.at_once.append(self._active)
        self.asked += events
        await asyncio.sleep(0)
        outcomes = [self._answer(event) for event in events]
        self.delivered += [
            e for e, outcome in zip(events, outcomes, strict=True) if isinstance(outcome, Delivered)
        ]
        self._active -= 1
        return outcomes

    def preview(self, event: Event) -> list[Any]:
        return [event.id]


async def run_until(
    condition: Callable[[], bool],
    receiver: Receiver,
    source: MemorySource,
    letters: MemoryDeadLetters,
    **pace: Any,
) -> Runner:
    """Run until the condition holds, then stop in order. Chance is 0: the shortest waits."""
    runner = Runner("test", receiver, source, letters, Pace(**pace), chance=lambda: 0.0)
    stopping = asyncio.Event()
    running = asyncio.create_task(runner.run(stopping))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                assert not running.done(), running.exception()
                await asyncio.sleep(0.005)
    finally:
        stopping.set()
        await running
    return runner
