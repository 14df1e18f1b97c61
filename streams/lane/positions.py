"""Where one partition number stands in each of its source topics."""

from collections.abc import Iterable, Mapping

from streams import metrics


class Position:
    """One topic's: `applied_to` and `read_to` are next offsets, `end` the last stable one known, `queued` batches
    that wait for their agent, `applied_at` the newest applied record's timestamp (Unix ms), None at first."""

    __slots__ = (
        "applied_at",
        "applied_to",
        "end",
        "failed_at",
        "failures",
        "halted",
        "queued",
        "queued_bytes",
        "read_to",
    )

    def __init__(self) -> None:
        self.applied_to = 0
        self.read_to = 0
        self.end = 0
        self.queued = 0
        self.queued_bytes = 0
        self.applied_at: int | None = None
        self.halted = False
        self.failures = 0
        self.failed_at = 0

    @property
    def unread(self) -> bool:
        """Whether records wait that were not applied, as far as is known."""
        return self.queued > 0 or self.halted or self.end > self.read_to

    @property
    def lag(self) -> int:
        """Records not applied (offsets: transaction markers count until they are passed)."""
        return max(0, self.end - self.applied_to) if self.unread else 0


class Positions:
    """One Position per source topic."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._of = {topic: Position() for topic in sources}

    def __getitem__(self, topic: str) -> Position:
        return self._of[topic]

    def items(self) -> Iterable[tuple[str, Position]]:
        return self._of.items()

    def seat(self, start: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Reading begins at `start`."""
        for topic, at in self._of.items():
            at.applied_to = at.read_to = start[topic]
            at.end = ends[topic]

    def forget_queued(self) -> int:
        """What is queued will not be applied; the bytes it held."""
        dropped = 0
        for at in self._of.values():
            dropped += at.queued_bytes
            at.queued = at.queued_bytes = 0
        return dropped

    @property
    def unapplied(self) -> int:
        return sum(at.lag for at in self._of.values())

    @property
    def halted(self) -> list[str]:
        return [topic for topic, at in self._of.items() if at.halted]

    def horizon(self, checked: int) -> int | None:
        """Up to when (Unix ms) everything that arrived is applied; None if that is unknown.

        `checked` is when the ends of the logs were asked for: what came later may be unread. Where records are
        unread, they arrived after the last one applied.
        """
        horizon = checked
        for at in self._of.values():
            if at.unread:
                if at.applied_at is None:
                    return None
                horizon = min(horizon, at.applied_at)
        return horizon

    def report(self, number: int, now: int) -> None:
        """Sets the lag metrics; `now` in Unix ms."""
        for topic, at in self._of.items():
            metrics.LAG_RECORDS.labels(topic, str(number)).set(at.lag)
            age = now - at.applied_at if at.lag and at.applied_at is not None else 0
            metrics.LAG_SECONDS.labels(topic, str(number)).set(max(0, age) / 1000)

    def forget_metrics(self, number: int) -> None:
        """The partition is another worker's now."""
        for topic in self._of:
            metrics.LAG_RECORDS.remove(topic, str(number))
            metrics.LAG_SECONDS.remove(topic, str(number))
            metrics.HALTED.remove(topic, str(number))
