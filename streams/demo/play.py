"""One run of the demo: start, play, settle, account."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from streams import model_file
from streams.broker import LOOPBACK
from streams.demo import verdict
from streams.demo.journey import Call
from streams.demo.patience import POLL_S, TOTAL_S, Failed, Patience
from streams.demo.posting import PATHS, post
from streams.demo.processes import COLLECTOR, WORKER, Pipeline, demo_settings
from streams.demo.screen import Screen
from streams.demo.story import Journey, journeys
from streams.demo.tracking import Trackers
from streams.demo.watch import Handoff, Progress, Watch, progress, watching
from streams.identity.keys import Secret, lead_keys
from streams.scoring.instant import DAY
from streams.scoring.model import Model
from streams.settings import Settings

LEADS: Final = 80
MODEL: Final = "b2b"
"""What the stories are worked out by."""
SEED: Final = 20
CHAPTERS: Final = (
    (7, "week 1 of 4"),
    (14, "week 2 of 4"),
    (21, "week 3 of 4"),
    (23, "week 4 of 4, days 1 and 2"),
    (25, "week 4 of 4, days 3 and 4"),
    (28, "week 4 of 4, days 5 to 7"),
)
"""The day before which each ends. What sales answers falls into a later one than the handoff."""
CHAPTER_S: Final = 1.2
"""A chapter of the stream is sent in this time at least, so that one can follow it."""
START_S: Final = 25.0
SETTLE_S: Final = 15.0
ASK_AGAIN_S: Final = 0.25
PEACE_S: Final = 1.1
"""The worker reports each second: what has not changed for longer is done."""


@dataclass(frozen=True)
class Options:
    """What may be asked of a demo; the commands are here to be broken by tests."""

    leads: int = LEADS
    keep: bool = False
    seed: int = SEED
    model: str = MODEL
    worker: Sequence[str] = WORKER
    collector: Sequence[str] = COLLECTOR
    total_s: float = TOTAL_S


@contextmanager
def started(options: Options, screen: Screen) -> Iterator["Demo"]:
    """A demo whose pipeline is ready; nothing of it is left behind. Failed tells what the processes said last."""
    settings = demo_settings(options.keep, options.model)
    model = model_file.load(settings.model)
    if not isinstance(model, Model):
        raise Failed(f"the model {settings.model} is not valid: leadstreams model check {settings.model}")
    screen.calendars(model.source)
    patience = Patience(options.total_s)
    now = time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory(prefix="leadstreams-demo-") as directory:
        pipeline = Pipeline(settings, Path(directory), options.worker, options.collector)
        try:
            with pipeline:
                screen.say(f"embedded broker on {settings.broker}")
                screen.say(f"{pipeline.create_topics()} topics of {settings.partitions} partitions")
                pipeline.start()
                for process in pipeline.processes:
                    patience.wait(f"the {process.name} was ready", START_S, process.is_ready, pipeline.rest)
                screen.say(f"worker on {LOOPBACK}:{settings.worker_port}, model {settings.model!r}")
                screen.say(f"collector on {LOOPBACK}:{settings.collector_port}")
                with watching(settings) as watch:
                    trackers = Trackers(f"http://{LOOPBACK}:{settings.collector_port}")
                    played = journeys(options.leads, options.seed, now)
                    yield Demo(settings, pipeline, watch, trackers, screen, patience, now, played)
        except Failed as failure:
            raise Failed(str(failure), failure.log or pipeline.tail()) from None


@dataclass
class Demo:
    """One run over a pipeline that is ready."""

    settings: Settings
    pipeline: Pipeline
    watch: Watch
    trackers: Trackers
    screen: Screen
    patience: Patience
    now: int
    played: list[Journey]
    truth: dict[str, verdict.Expected] = field(init=False)
    sent: int = 0
    total: int = 0
    latest: Progress = field(default_factory=lambda: Progress(Counter(), 0, 0))

    def __post_init__(self) -> None:
        secret = self.settings.require_secret()
        assert isinstance(secret, Secret)
        self._secret = secret
        self.truth = verdict.expected(self.played, secret)

    def play(self) -> None:
        """The stream, chapter by chapter. After each the pipeline settles: days lie between, not a moment."""
        calls = sorted((call for journey in self.played for call in journey.calls), key=lambda call: call.at)
        self.total = len(calls)
        start = self.now - CHAPTERS[-1][0] * DAY
        chapters: list[list[Call]] = [[] for _ in CHAPTERS]
        for call in calls:
            day = (call.at - start) / DAY
            chapters[next((n for n, (end, _) in enumerate(CHAPTERS) if day < end), -1)].append(call)
        for (_, name), chapter in zip(CHAPTERS, chapters, strict=True):
            self.screen.say(f"[dim]{name}: {len(chapter):,} events[/]")
            self._send(name, chapter)
            self._settle(name)

    def _send(self, doing: str, calls: list[Call]) -> None:
        started = time.monotonic()
        for turn, call in enumerate(calls):
            if call.method in PATHS:
                post(self.settings.collector_port, call, self._answered(call))
            else:
                self.trackers.send(call)
            self.sent += 1
            while started + CHAPTER_S * turn / len(calls) > time.monotonic():
                self.look(doing)

    def _answered(self, call: Call) -> str | None:
        """The handoff that an answer of sales is about."""
        if call.method != "feedback":
            return None
        (key, *_) = lead_keys(call.content["email"], None, None, self._secret)
        return self.watch.open_handoff(key)

    def _settle(self, doing: str) -> None:
        """Wait until every event sent is done with, and nothing more comes of it. Raises Failed."""
        calm_since, before = time.monotonic(), -1
        asked = 0.0

        def settled() -> bool:
            nonlocal calm_since, before, asked
            if time.monotonic() - asked < ASK_AGAIN_S:
                return False
            asked = time.monotonic()
            found = progress(self.settings.worker_port)
            if found is None:
                return False
            self.latest = found
            if found.applied != before or found.lag:
                calm_since, before = asked, found.applied
            return found.settled + len(self.watch.dead) >= self.sent and asked - calm_since >= PEACE_S

        self.patience.wait("every event was scored", SETTLE_S, settled, lambda: self.look(doing))

    def look(self, doing: str) -> None:
        """See what has happened meanwhile. Raises Failed if something broke."""
        self.pipeline.check()
        self.trackers.check()
        for found in self.watch.look(POLL_S):
            if isinstance(found, Handoff):
                self.screen.handoff(found)
            else:
                self.screen.note(found)
        self.screen.funnel(doing, self.sent, self.total, verdict.funnel(self.watch, self.truth))

    def account(self) -> dict[str, Any]:
        """What happened, for people and scripts; `wrong` is empty if all of it is as it must be."""
        latencies = [h.latency_ms for h in self.watch.handoffs if h.latency_ms is not None]
        dead = Counter(self.watch.dead)
        outcomes = self.latest.outcomes
        return {
            "leads": len(self.truth),
            "events": {
                "sent": self.sent,
                "added": sum(journey.retractions for journey in self.played),
                "scored": outcomes["scored"],
                "duplicates": outcomes["duplicate"],
                "dead_letters": len(self.watch.dead),
            },
            "dead_letters": [
                {"reason": letter.reason, "detail": letter.detail, "count": count}
                for letter, count in dead.items()
            ],
            "funnel": verdict.funnel(self.watch, self.truth),
            "handoffs": [handoff._asdict() for handoff in self.watch.handoffs],
            "notes": [note._asdict() for note in self.watch.notes],
            "held": [
                {"lead_key": key, **told._asdict()}
                for key, told in self.watch.leads.items()
                if told.stage == "mql" and told.held
            ],
            "latency_ms": {
                "median": median(latencies) if latencies else None,
                "most": max(latencies, default=None),
            },
            "wrong": [
                *verdict.wrong(self.played, self.truth, self.watch),
                *verdict.unaccounted(self.sent, outcomes, len(self.watch.dead), self.played),
            ],
        }
