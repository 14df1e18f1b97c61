"""When the receiver may be asked: rate, back-off, circuit breaker. Pure: time and chance are arguments."""

from typing import Final

FIRST_S: Final = 0.5
MOST_S: Final = 300.0
"""The first and the longest back-off. Five minutes: a CRM that is back is used soon, one that is away spared."""

CEILING_S: Final = 3_600.0
"""The longest that a receiver's own Retry-After is believed."""

FAILURES_TO_OPEN: Final = 5
"""So many failures of single events in a row, with no success between, are the receiver's and not the events'."""


def backoff(attempt: int, chance: float) -> float:
    """Seconds before attempt `attempt` (1 is the second try): doubling, with jitter from a half to the whole."""
    whole = min(FIRST_S * 2.0 ** min(attempt - 1, 20), MOST_S)
    return whole * (0.5 + chance / 2)


class Gate:
    """Closed: `width` deliveries at once. Open: nobody until `until`. Half open: one, which decides."""

    def __init__(self, width: int, per_second: float | None) -> None:
        self._width = width
        self._interval = 1.0 / per_second if per_second else 0.0
        self._next = 0.0
        self._failures = 0
        self._trips = 0
        self.until = 0.0

    @property
    def open(self) -> bool:
        """Whether the receiver counts as unusable; until a success."""
        return self._trips > 0

    def places(self, active: int, now: float) -> int:
        """How many more deliveries may start now."""
        if now < self.until or now < self._next:
            return 0
        return max((1 if self.open else self._width) - active, 0)

    def due(self) -> float:
        """When to ask again, if there was no place for want of time."""
        return max(self.until, self._next)

    def started(self, calls: int, now: float) -> None:
        """A delivery of so many calls begins."""
        self._next = max(now, self._next) + calls * self._interval

    def succeeded(self) -> None:
        """The receiver works."""
        self._failures = self._trips = 0
        self.until = 0.0

    def failed(self, now: float, chance: float) -> None:
        """One event could not be delivered, which may be its own fault."""
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self.trip(now, None, chance)

    def trip(self, now: float, after_s: float | None, chance: float) -> None:
        """The receiver as a whole cannot be used, for `after_s` seconds if it said so."""
        if now < self.until:
            if after_s is not None:
                self.until = max(self.until, now + min(after_s, CEILING_S))
            return  # deliveries that were on their way when it opened are no further reason to wait longer
        if after_s is None:
            self._trips += 1
            self.until = now + backoff(self._trips, chance)
        else:  # it knows best, and its patience says nothing about how long it will be away
            self._trips = max(self._trips, 1)
            self.until = now + min(after_s, CEILING_S) * (1 + chance / 10)
