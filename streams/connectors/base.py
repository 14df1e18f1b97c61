"""What all connectors have in common: their settings, and a receiver's outline."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from schemas.dead_letter import Rejected
from streams import topics
from streams.connectors.event import Event, Unknown, decode
from streams.connectors.mapping import Strict
from streams.connectors.outcome import Outcome


class Base(Strict):
    """Settings of every kind of connector."""

    concurrency: int = Field(4, ge=1, le=64, description="deliveries at once, each of other leads")
    per_second: float | None = Field(
        None, gt=0, description="most deliveries per second; default: as fast as it goes"
    )
    attempts: int = Field(
        12, ge=1, description="of an event that fails while others pass, before it is a dead letter"
    )
    start: Literal["earliest", "latest"] = Field("earliest", description="where a new connector begins to read")
    neutralise: bool = Field(True, description="an apostrophe before what a spreadsheet would run as a formula")


Read = Callable[[bytes | None], Event | Unknown | Rejected]
"""What a record's value says. Pure."""


class Receiver(ABC):
    """Outline of a sink: what it reads and how it delivers it, up to `batch` events of different leads at once."""

    topic: str = topics.SALES_HANDOFFS
    read: Read = staticmethod(decode)
    batch: int = 1

    async def open(self) -> None:
        return None

    async def close(self) -> None:
        return None

    @abstractmethod
    async def deliver(self, events: Sequence[Event]) -> list[Outcome]: ...

    @abstractmethod
    def preview(self, event: Event) -> list[Any]: ...


def everyone(outcome: Outcome, events: Sequence[Event]) -> list[Outcome]:
    """The same outcome for all events of a delivery."""
    return [outcome] * len(events)
