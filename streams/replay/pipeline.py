"""A whole pipeline's log through the core, its partitions side by side, against what is live."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams import log, model_life, pipeline, progress, topics
from streams.admin import Refused, Unreachable
from streams.changes import Refused as OtherTerms
from streams.log import Advance, Stored
from streams.progress import Progress
from streams.replay import difference, outputs
from streams.replay.difference import Difference
from streams.replay.outputs import Expected
from streams.replay.partition import CHECKED, BeginningGone, CannotFollow, Replayed, Skipped, replay
from streams.scoring.model import Model
from streams.settings import Settings
from streams.shard import Shard, Terms
from streams.snapshot.file import Snapshot, Standing, Unusable

WORTH_A_PROCESS: Final = 150_000
"""Records below which starting processes takes longer than reading."""
LOOK_S: Final = 0.2


class Failed(Exception):
    """The replay cannot be made; one line."""


class Part(NamedTuple):
    """What one partition's replay came to."""

    population: dict[tuple[str, str], int]
    owed: Counter[tuple[str, int, bytes]]
    handoffs: dict[str, bytes]
    skipped: list[Skipped]
    events: int
    leads: int
    read: dict[str, int]
    since: dict[str, int]
    differences: list[Difference]


class Result(NamedTuple):
    """What the whole replay came to. `leads` by stage; aliases are not among them."""

    partitions: int
    events: int
    leads: dict[str, int]
    aliases: int
    handoffs: list[str]
    dead_letters: int
    differences: list[Difference]


def run(
    settings: Settings,
    diff: bool,
    started: Callable[[int], None],
    advance: Advance,
    snapshot: Path | None = None,
) -> Result:
    """Replay everything that the live table vouches for as of now, from the log's beginning or from a snapshot on;
    with `diff`, compare it with what is live.

    `started` is told the number of records to read. Raises Failed, Unreachable, Refused.
    """
    count = log.partitions(settings)
    if snapshot is not None:
        verify(snapshot, count)
    total = log.run(_extent(settings, count, diff))
    started(total)
    parallel = total >= WORTH_A_PROCESS and count > 1 and (os.cpu_count() or 1) > 1
    parts = (_in_processes if parallel else _one_by_one)(settings, count, diff, advance, snapshot)
    owed: Counter[tuple[str, int, bytes]] = Counter()
    handoffs: dict[str, bytes] = {}
    for part in parts:
        owed += part.owed
        handoffs |= part.handoffs
    differences = [found for part in parts for found in (*map(_skipped, part.skipped), *part.differences)]
    if diff:
        read = {(topic, number): at for number, part in enumerate(parts) for topic, at in part.read.items()}
        since = {(topic, number): at for number, part in enumerate(parts) for topic, at in part.since.items()}
        expected = Expected(owed, handoffs, read, since)
        written = log.run(outputs.read(settings, count, expected, advance))
        differences += outputs.compare(expected, written, settings.delivery == "exactly-once")
    leads, aliases = _stages(parts)
    dead = sum(times for name, times in owed.items() if name[0] == topics.DEAD_LETTERS)
    events = sum(part.events for part in parts)
    return Result(count, events, leads, aliases, sorted(handoffs), dead, differences)


def verify(snapshot: Path, count: int) -> None:
    """Whether a snapshot is whole, and of so many partitions. Raises Failed."""
    try:
        found = Snapshot(snapshot)
        found.verify()
    except Unusable as why:
        raise Failed(str(why)) from None
    if found.head.partitions != count:
        raise Failed(f"{snapshot} is of {found.head.partitions} partitions, the pipeline has {count}")


def _stages(parts: list[Part]) -> tuple[dict[str, int], int]:
    stages: Counter[str] = Counter()
    for part in parts:
        for (_, stage), number in part.population.items():
            stages[stage] += number
    aliases = stages.pop("alias", 0)
    stages.pop("account", None)
    return {stage: number for stage, number in stages.items() if number}, aliases


def _skipped(skipped: Skipped) -> Difference:
    where = f"{skipped.topic}[{skipped.partition}]"
    words = (
        f"{skipped.records} records from offset {skipped.first} on were passed over: nobody recorded applying them"
    )
    return Difference("topic", where, words)


async def _extent(settings: Settings, count: int, diff: bool) -> int:
    """About how many records there are to read."""
    names = [*topics.SOURCES, topics.LEAD_SCORES]
    if diff:
        names += [topics.SALES_HANDOFFS, *CHECKED]
    total = 0
    async with log.opened(settings) as reader:
        for name in names:
            for number in range(count):
                first, end = await reader.bounds(name, number)
                total += end - first
    return total


# --- one partition


async def _part(
    settings: Settings,
    terms: Terms,
    number: int,
    count: int,
    diff: bool,
    advance: Advance,
    snapshot: Path | None,
) -> Part:
    async with log.opened(settings) as reader:
        live = await log.stored(reader, number, advance=advance)
    if live.progress is not None:
        _check(live.progress, terms, number, count, diff)
    standing = Snapshot(snapshot).standing(number) if snapshot is not None else None
    if standing is not None:
        check_standing(standing, live.progress, terms, number, count, diff)
    replayed = await replay(settings, number, count, begin(terms, live), live.progress, advance, standing)
    differences = difference.compare(replayed.table, live.records) if diff else []
    if live.progress is not None and replayed.model != live.progress.model:
        words = f"the workers run model {live.progress.model}, the log gives {replayed.model}"
        differences.append(Difference("partition", str(number), words))
    return _summary(replayed, live.progress, differences, standing.begin.written if standing is not None else {})


def begin(terms: Terms, live: Stored) -> Terms:
    """The terms with the model that the partition began with: the log says which came after. Raises Failed."""
    if live.first is None:
        return terms
    model = model_life.restored(live.first, terms.model.pipeline)
    if not isinstance(model, Model):
        raise Failed(model.message)
    return terms._replace(model=model)


def _summary(
    replayed: Replayed, vouched: Progress | None, differences: list[Difference], since: dict[str, int]
) -> Part:
    return Part(
        replayed.population,
        replayed.owed,
        replayed.handoffs,
        replayed.skipped,
        replayed.events,
        len(replayed.table),
        dict(vouched.offsets) if vouched is not None else {},
        since,
        differences,
    )


def _check(found: Progress, terms: Terms, number: int, count: int, diff: bool) -> None:
    """Whether a replay under these terms can be the same as what the workers did. Raises Failed."""
    own = Shard(number, count, terms).progress
    refused = progress.compare(found, own, number)
    if isinstance(refused, OtherTerms):
        raise Failed(refused.message)
    if diff and found.core != own.core:
        raise Failed(f"the table is of core version {found.core}, this program has {own.core}: rebuild it first")


def check_standing(
    standing: Standing, live: Progress | None, terms: Terms, number: int, count: int, diff: bool
) -> None:
    """Whether a snapshot is of this pipeline and not newer than its table. Raises Failed, Unusable."""
    found = standing.progress
    _check(found, terms, number, count, diff)
    if live is not None and any(at > live.offsets.get(topic, 0) for topic, at in found.offsets.items()):
        raise Failed(f"partition {number}: the snapshot is newer than the table")


# --- all of them


def _one_by_one(settings: Settings, count: int, diff: bool, advance: Advance, snapshot: Path | None) -> list[Part]:
    terms = pipeline.terms(settings)
    return [_attempt(settings, terms, number, count, diff, advance, snapshot) for number in range(count)]


def _attempt(
    settings: Settings,
    terms: Terms,
    number: int,
    count: int,
    diff: bool,
    advance: Advance,
    snapshot: Path | None,
) -> Part:
    try:
        return log.run(_part(settings, terms, number, count, diff, advance, snapshot))
    except (BeginningGone, CannotFollow, Unusable) as failed:
        raise Failed(str(failed)) from None


_done: Any = None
"""In a process of its own: the shared count of records read."""


def _share(done: Any) -> None:
    global _done
    _done = done


def _in_process(settings: Settings, number: int, count: int, diff: bool, snapshot: Path | None) -> Part | str:
    """An expected failure is a value: the exceptions do not all travel between processes."""

    def advance(records: int) -> None:
        with _done.get_lock():
            _done.value += records

    try:
        return _attempt(settings, pipeline.terms(settings), number, count, diff, advance, snapshot)
    except (Failed, Refused, Unreachable) as failure:
        return str(failure)


def _in_processes(
    settings: Settings, count: int, diff: bool, advance: Advance, snapshot: Path | None
) -> list[Part]:
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    workers = min(count, os.cpu_count() or 1)
    told = 0
    with ProcessPoolExecutor(workers, context, _share, (done,)) as pool:
        futures = [pool.submit(_in_process, settings, number, count, diff, snapshot) for number in range(count)]
        pending = set(futures)
        while pending:
            pending = wait(pending, LOOK_S, FIRST_EXCEPTION).not_done
            advance(done.value - told)
            told = done.value
    parts: list[Part] = []
    for future in futures:
        part = future.result()
        if isinstance(part, str):
            raise Failed(part)
        parts.append(part)
    return parts
