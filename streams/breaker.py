"""The breaker: a bad deploy must not drain a topic into dead letters."""

from typing import Final

JUDGED: Final = 100
"""Records of a topic before its share of refused ones is judged."""
WINDOW: Final = 1_000
"""Records after which the older ones weigh half."""


class Breaker:
    """Judges each topic of one partition by the share of its last records that were refused."""

    def __init__(self, most_refused: float) -> None:
        self._most_refused = most_refused
        self._seen: dict[str, tuple[float, float]] = {}

    def judge(self, topic: str, records: int, refused: int) -> str | None:
        """In words, why the topic must stop before this batch is applied; None (and it is counted) if not."""
        seen, bad = self._seen.get(topic, (0.0, 0.0))
        seen, bad = seen + records, bad + refused
        if refused and seen >= JUDGED and bad / seen > self._most_refused:
            return f"{bad / seen:.0%} of its last {seen:.0f} records are refused"
        weight = 0.5 if seen > WINDOW else 1.0
        self._seen[topic] = (seen * weight, bad * weight)
        return None
