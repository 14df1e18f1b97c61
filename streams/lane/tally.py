"""Copies what the pure partitions count into metrics."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from streams import metrics


class Tally:
    """What was reported of one partition so far; a partition that is restored starts again from zero.

    A partition may have `counts: dict[tuple[str, ...], int]` (see `metrics.add`), which only grow, and
    `population: Mapping[tuple[str, str], int]`, its leads now by kind and stage.
    """

    def __init__(self) -> None:
        self._of: Any = None
        self._reported: dict[tuple[str, ...], int] = {}

    def report(self, partition: Any) -> None:
        if partition is not self._of:
            self._of, self._reported = partition, {}
        for name, count in list(getattr(partition, "counts", {}).items()):
            more = count - self._reported.get(name, 0)
            if more > 0:
                self._reported[name] = count
                metrics.add(name, more)


def report_population(partitions: Iterable[Any]) -> None:
    """Sets the number of leads by kind and stage, over all partitions of this worker."""
    total: Counter[tuple[str, str]] = Counter()
    for partition in partitions:
        total.update(getattr(partition, "population", {}))
    metrics.LEADS.clear()
    for (kind, stage), number in total.items():
        metrics.LEADS.labels(kind, stage).set(number)
