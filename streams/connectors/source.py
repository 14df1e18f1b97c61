"""Where events come from, as the runner sees it. `streams/connectors/kafka_source.py` is the real one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

Release = Callable[[set[int]], Awaitable[None]]
"""Told before partitions go to another member: finish and commit what is theirs."""


class Record(NamedTuple):
    """One record of the topic. `timestamp` in Unix milliseconds."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Source(Protocol):
    """A consumer of one topic. A failure to commit is no error: what is not committed is read again."""

    async def fetch(self, most: int) -> Sequence[Record]:
        """Up to `most` records, of committed transactions only; waits a moment if there are none."""

    async def commit(self, positions: Mapping[int, int]) -> bool:
        """Next offset to read, by partition; whether the broker has it."""

    def lag(self, positions: Mapping[int, int]) -> int:
        """Records from these positions to the end of the log, as far as it is known."""


class DeadLetters(Protocol):
    """Where refused records go."""

    async def put(self, record: Record, reason: str, detail: str) -> bool:
        """Whether the broker has it."""
