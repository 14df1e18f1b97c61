"""A receiver whose vendor's library blocks: each delivery is a few calls in a thread of its own."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from streams.connectors.base import Receiver
from streams.connectors.event import Event
from streams.connectors.outcome import Outcome


class ThreadedReceiver(Receiver):
    """Outline of a sink that blocks."""

    def __init__(self, name: str, concurrency: int) -> None:
        self._threads = ThreadPoolExecutor(concurrency, name)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._deliver, events)

    @abstractmethod
    def _deliver(self, events: Sequence[Event]) -> list[Outcome]: ...
