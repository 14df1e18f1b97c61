"""What all connectors have in common: their settings, and a receiver's outline."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from streams.connectors.event import Event
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


class Receiver(ABC):
    """Outline of a sink (streams/connectors/sink.py)."""

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
