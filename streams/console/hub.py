"""Tells the pages that are open what has just happened, by server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from streams.console.writer import Notice

MOST_WAITING: Final = 200
"""Of one page that does not take them: the oldest go, since a page that is reloaded shows all."""
MOST_PAGES: Final = 500


class Full(Exception):
    """More pages are open than can be told."""


class Hub:
    """Takes notices in any thread; each page that listens gets all of them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.closed = asyncio.Event()
        self._queues: set[asyncio.Queue[list[Notice]]] = set()

    def close(self) -> None:
        """No more will be told: the pages that listen are let go."""
        self.closed.set()
        self._spread([])

    def tell(self, notices: Sequence[Notice]) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._spread, list(notices))

    def _spread(self, notices: list[Notice]) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(notices)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Queue[list[Notice]]]:
        """Raises Full."""
        if len(self._queues) >= MOST_PAGES:
            raise Full
        queue: asyncio.Queue[list[Notice]] = asyncio.Queue(MOST_WAITING)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
