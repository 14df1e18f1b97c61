"""Copies what the pure partitions count into metrics."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from streams import metrics


class Tally:
    """What was reported of one partition so far; a partition that is restored starts again from zero.

    A partition may have `counts: dict[tuple[str, ...], int]` (see `metrics.add`), which only grow.
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


def report_held(partitions: Sequence[Any]) -> None:
    """Sets what the open partitions of this worker hold now, None being one that is not open.

    A partition may have `population: Mapping[tuple[str, str], int]`, its leads by kind and stage; `held`, the
    bytes of its records and how many of them wait to be written; and the scoring `model` that it runs.
    """
    leads: Counter[tuple[str, str]] = Counter()
    models: Counter[tuple[str, str, str]] = Counter()
    size = dirty = 0
    for partition in partitions:
        leads.update(getattr(partition, "population", {}))
        more, changed = getattr(partition, "held", (0, 0))
        size, dirty = size + more, dirty + changed
        model = getattr(partition, "model", None)
        if model is not None:
            models[model.source.name, model.source.version, model.hash] += 1
    metrics.STATE_BYTES.set(size)
    metrics.DIRTY.set(dirty)
    for gauge, counted in ((metrics.LEADS, leads), (metrics.MODEL, models)):
        gauge.clear()
        for labels, number in counted.items():
            gauge.labels(*labels).set(number)
