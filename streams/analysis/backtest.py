"""Two models over the log or a file: reading, replaying on all cores, comparing."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streams import log, topics, transition
from streams.analysis import parallel, source
from streams.analysis.comparison import Change, Comparison, Handed, compare
from streams.analysis.interval import Share
from streams.analysis.parallel import Loaded, Named
from streams.analysis.source import Mistake, Source
from streams.identity.keys import Secret
from streams.log import Advance
from streams.scoring.instant import DAY, rfc3339
from streams.settings import Settings
from streams.transition import Transition

Started = Callable[[str, int], None]
"""Told what begins, and how much of it there is."""


class Backtest(NamedTuple):
    """A comparison, and what it was made of. `rate`: events through one model per second of one
    core, reading included."""

    events: int
    days: float
    rate: float
    comparison: Comparison
    mistakes: list[Mistake]
    refused: dict[str, int]


def run(
    names: tuple[str, str],
    settings: Settings,
    file: Path | None,
    secret: Secret,
    zone_name: str,
    started: Started,
    advance: Advance,
) -> Backtest:
    """Backtest two models that were checked. Raises OSError, EOFError (a file), Unreachable, Refused (the log)."""
    before = time.process_time()
    found = read(settings, file, started, advance)
    seconds = time.process_time() - before
    really = None if file is not None else live(settings)
    models = [Named(name, settings.pipeline) for name in names]
    return over(found, models, really, secret, zone_name, started, advance, os.cpu_count(), seconds)


def over(
    found: Source,
    models: Sequence[Loaded],
    really: list[Transition] | None,
    secret: Secret,
    zone_name: str,
    started: Started,
    advance: Advance,
    cores: int | None,
    seconds: float = 0.0,
) -> Backtest:
    """Backtest two models over events that were read, which took so many `seconds` of processor time; `really` is
    what was told of them."""
    started("replaying", 2 * len(found.events))
    done = parallel.run(found.events, models, secret, found.end, advance, cores)
    a, b = done.trials
    rate = 2 * len(found.events) / max(done.seconds + seconds, 1e-9)
    compared = compare(a.told, b.told, a.answers, really, zone_name, found.end)
    span = (found.end - found.first) / DAY
    return Backtest(len(found.events), span, rate, compared, found.mistakes, dict(a.refused))


def read(settings: Settings, file: Path | None, started: Started, advance: Advance) -> Source:
    """The events of a file, or of the log without one."""
    if file is not None:
        return source.from_file(file, lambda total: started(f"reading {file}", total), advance)
    return source.from_log(settings, lambda total: started("reading the log", total), advance)


def live(settings: Settings) -> list[Transition]:
    """What was really told, by the log. Raises Unreachable, Refused."""
    return log.run(_live(settings, log.partitions(settings)))


async def _live(settings: Settings, count: int) -> list[Transition]:
    """What was really told."""
    told: list[Transition] = []
    async with log.opened(settings) as reader:
        for number in range(count):
            async for batch in reader.read(topics.LEAD_TRANSITIONS, number):
                told += [one for record in batch if (one := transition.decode(record.value or b"")) is not None]
    return sorted(told, key=lambda one: (one.occurred_at, one.lead_key))


def as_json(found: Backtest) -> dict[str, Any]:
    """Everything, for scripts."""
    c = found.comparison
    return {
        "events": found.events,
        "days": round(found.days, 2),
        "events_per_second_and_core": round(found.rate),
        "reached": {stage: dict(zip("ab", pair, strict=True)) for stage, pair in c.reached.items()},
        "counts": c.counts,
        "later_days": c.later_days and dict(zip(("least", "median", "most"), c.later_days, strict=True)),
        "precision": [
            {"level": p.level, "a": share_json(p.a), "b": share_json(p.b)} for p in c.precision
        ],
        "unknown": dict(zip("ab", c.unknown, strict=True)),
        "repeats": dict(zip("ab", c.repeats, strict=True)),
        "volume": [
            {"week": week, "queue": queue, "a": a, "b": b} for (week, queue), (a, b) in c.volume.items()
        ],
        "changes": [_change(change) for change in c.changes if change.kind != "same"],
        "refused": found.refused,
        "mistakes": [mistake._asdict() for mistake in found.mistakes],
    }  # fmt: skip


def share_json(found: Share) -> dict[str, Any]:
    return {
        name: round(value, 6) if isinstance(value, float) else value for name, value in found._asdict().items()
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "a": _handed(change.a),
        "b": _handed(change.b),
        "outcome": change.outcome.word,
        "why": change.outcome.why,
        "instead": change.instead,
        "days_later": round(change.days, 3),
    }


def _handed(handed: Handed | None) -> dict[str, Any] | None:
    return None if handed is None else {**handed._asdict(), "at": rfc3339(handed.at)}
