"""What another model would have done with the log: on a sample first, then on all of it, one trial at a time."""

import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from streams.admin import Refused, Unreachable
from streams.analysis import backtest
from streams.analysis.backtest import Backtest
from streams.analysis.source import Source
from streams.console import revision
from streams.console.revision import Changed
from streams.identity.keys import Secret
from streams.scoring.model import Model
from streams.settings import Settings
from streams.transition import Transition

SAMPLE: Final = 20_000
"""Events of about this many are enough to see what a change does within seconds."""
KEPT: Final = 20
MOST_WAITING: Final = 5
MOST_EXAMPLES: Final = 8


@dataclass
class Trial:
    """One change and what came of it so far. `share`: how much of the people the sample holds."""

    name: str
    by: str
    wanted: Mapping[str, float]
    model: Model
    share: float = 0.0
    sample: Backtest | None = None
    whole: Backtest | None = None
    done: int = 0
    total: int = 0
    doing: str = "reading the log"
    failed: str | None = None

    @property
    def running(self) -> bool:
        return self.whole is None and self.failed is None


@dataclass
class Trials:
    """The newest trials, by name; nothing of them outlives the console."""

    settings: Settings
    secret: Secret
    _known: OrderedDict[str, Trial] = field(default_factory=OrderedDict)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "console-trial"))
    _stopped: threading.Event = field(default_factory=threading.Event)

    def begin(self, model: Model, wanted: Mapping[str, float], by: str) -> Trial | str:
        """Start a trial, or one line that says why there is none."""
        found = revision.changed(model, wanted)
        if isinstance(found, str):
            return found
        if sum(trial.running for trial in self._known.values()) >= MOST_WAITING:
            return f"{MOST_WAITING} trials are running: wait for one"
        trial = Trial(secrets.token_urlsafe(9), by, dict(wanted), model)
        self._known[trial.name] = trial
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        self._pool.submit(self._run, trial, found)
        return trial

    def get(self, name: str) -> Trial | None:
        return self._known.get(name)

    def close(self) -> None:
        """No more trials; the one that runs ends at its next step."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, trial: Trial, new: Changed) -> None:
        try:
            found = backtest.read(self.settings, None, self._started(trial), self._advance(trial))
            really = backtest.live(self.settings)
            part, trial.share = sample(found)
            if trial.share < 1.0:
                trial.sample = self._over(trial, part, new, really)
            trial.whole = self._over(trial, found, new, really)
        except (Unreachable, Refused) as refusal:
            trial.failed = str(refusal)
        except _Stopped:
            trial.failed = "the console was stopped"
        except Exception as bug:
            trial.failed = f"{type(bug).__name__}: this is a bug"

    def _over(self, trial: Trial, found: Source, new: Changed, really: list[Transition]) -> Backtest:
        models = (revision.of(trial.model), new)
        zone = trial.model.source.timezone
        started, advance = self._started(trial), self._advance(trial)
        return backtest.over(
            found, models, really, self.secret, zone, started, advance, max((os.cpu_count() or 1) - 1, 1)
        )

    def _started(self, trial: Trial) -> backtest.Started:
        def started(what: str, total: int) -> None:
            trial.doing, trial.total, trial.done = what, total, 0

        return started

    def _advance(self, trial: Trial) -> Any:
        def advance(count: int) -> None:
            trial.done += count
            if self._stopped.is_set():
                raise _Stopped

        return advance


class _Stopped(Exception):
    """The console is about to end."""


def sample(found: Source, most: int = SAMPLE) -> tuple[Source, float]:
    """Some of the people with all their events, about `most` of these, and which share of the people that is; the
    same people each time."""
    total = len(found.events)
    if total <= most:
        return found, 1.0
    every = -(-total // most)
    events = [event for event in found.events if _scattered(event.kin) % every == 0]
    return found._replace(events=events), 1.0 / every


def _scattered(number: int) -> int:
    """Neighbours fall apart: those who came on one day must not be the sample."""
    return (number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 32
