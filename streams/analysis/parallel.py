"""Several models over the same events, on all cores: each process replays whole kins under every model."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from typing import Any, Final, NamedTuple, Protocol

from streams import model_file
from streams.analysis import source, trial
from streams.analysis.source import Event
from streams.analysis.trial import Trial
from streams.identity.keys import Secret
from streams.log import Advance
from streams.scoring.model import Model
from streams.shard import Terms

WORTH_A_PROCESS: Final = 40_000
"""Events and models below which starting processes takes longer than replaying."""
LOOK_S: Final = 0.2


class Loaded(Protocol):
    """What a process of its own can make a model of; it must travel as bytes."""

    def load(self) -> Model: ...


class Named(NamedTuple):
    """A model as a process of its own can load it: a file or a shipped name, or the bytes that say everything."""

    name: str
    pipeline: str
    raw: bytes | None = None

    def load(self) -> Model:
        """The model, which was checked before."""
        if self.raw is None:
            found = model_file.load(self.name, self.pipeline)
        else:
            found = model_file.read(self.raw, self.name, self.pipeline)
        assert isinstance(found, Model), found
        return found


class Outcome(NamedTuple):
    """A trial per model, and the processor seconds that replaying took over all processes."""

    trials: list[Trial]
    seconds: float


def run(
    events: list[Event],
    models: Sequence[Loaded],
    secret: Secret,
    end: int,
    advance: Advance,
    cores: int | None = None,
) -> Outcome:
    """All models over all events. `advance` is told how many events went through, once per model."""
    cores = cores or os.cpu_count() or 1
    if len(events) * len(models) < WORTH_A_PROCESS or cores == 1:
        parts = [_share(events, models, secret, end, advance)]
    else:
        parts = _in_processes(source.shares(events, cores), models, secret, end, advance)
    seconds = sum(part[1] for part in parts)
    return Outcome([united([part[0][place] for part in parts]) for place in range(len(models))], seconds)


def _share(
    events: list[Event], models: Sequence[Loaded], secret: Secret, end: int, advance: Advance
) -> tuple[list[Trial], float]:
    before = time.process_time()
    trials = [trial.run(events, Terms(named.load(), secret), end, advance) for named in models]
    return trials, time.process_time() - before


def united(parts: Sequence[Trial]) -> Trial:
    """The trials of all shares as one, in the order of event time."""
    leads: dict[str, int] = {}
    for part in parts:
        for stage, number in part.leads.items():
            leads[stage] = leads.get(stage, 0) + number
    return Trial(
        sorted((t for part in parts for t in part.told), key=lambda t: (t.occurred_at, t.lead_key)),
        sorted((a for part in parts for a in part.answers), key=lambda a: (a.at, a.event_id)),
        sorted((h for part in parts for h in part.held), key=lambda h: (-h.score, h.person)),
        frozenset().union(*(part.out for part in parts)),
        leads,
        sum((part.refused for part in parts), Counter[str]()),
        sorted(line for part in parts for line in part.refused_lines),
        sum((part.outcomes for part in parts), Counter[str]()),
        sum(part.events for part in parts),
    )


_done: Any = None
"""In a process of its own: the shared count of events replayed."""


def _join(done: Any) -> None:
    global _done
    _done = done


def _in_process(
    events: list[Event], models: Sequence[Loaded], secret: Secret, end: int
) -> tuple[list[Trial], float]:
    def advance(count: int) -> None:
        with _done.get_lock():
            _done.value += count

    return _share(events, models, secret, end, advance)


def _in_processes(
    shares: list[list[Event]], models: Sequence[Loaded], secret: Secret, end: int, advance: Callable[[int], None]
) -> list[tuple[list[Trial], float]]:
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    told = 0
    with ProcessPoolExecutor(len(shares), context, _join, (done,)) as pool:
        futures = [pool.submit(_in_process, share, models, secret, end) for share in shares]
        pending = set(futures)
        while pending:
            pending = wait(pending, LOOK_S, FIRST_EXCEPTION).not_done
            advance(done.value - told)
            told = done.value
    return [future.result() for future in futures]
