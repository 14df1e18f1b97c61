"""Where accepted events go: the collector's only view of Kafka."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes]]


class Outgoing(NamedTuple):
    """One record on its way to a partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers = ()


class Unavailable(NamedTuple):
    """Nothing was confirmed: the sender must send again. `retry_after` in whole seconds."""

    message: str
    retry_after: int = 1


class Gateway(Protocol):
    """Publishes records and says when they are safe."""

    @property
    def unavailable(self) -> Unavailable | None:
        """Why nothing can be published now; None while Kafka is reachable and its topics are as they should be."""

    @property
    def partitions(self) -> Mapping[str, int]:
        """How many partitions each topic has; empty until that is known."""

    async def publish(self, records: Sequence[Outgoing]) -> Unavailable | None:
        """None only after every record was acknowledged by all in-sync replicas."""
