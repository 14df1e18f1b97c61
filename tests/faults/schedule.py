"""What a schedule is, and how one is run and judged."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults import evidence, injection, remains
from tests.faults.injection import Fault
from tests.faults.invariants import Counts, Judge, Violation
from tests.faults.load import Load, Mix, stream
from tests.faults.sender import Sender
from tests.faults.site import PARTITIONS, Site
from tests.faults.watch import Watch
from tests.kafka.fleet import until
from tests.kafka.pipeline import command, quiet

QUIET_S: Final = 90.0
"""Lag must be 0 so long after the last fault is healed and the load has ended."""
MOST_BUSY: Final = 4.0
CALM: Final = 3
"""Looks in a row, a second apart, at which there is no lag."""
DELIVER_S: Final = 120.0
OVERTIME_S: Final = 60.0
"""The load goes on so much longer, if faults last longer than the time they have."""

Script = Callable[[Site, Watch, random.Random, float], None]
"""Plays faults until a deadline (monotonic seconds)."""


class Schedule(NamedTuple):
    """Faults, drawn one after the other with pauses between, over a load. `after` may do more when the load is
    delivered; `errors` are patterns of log lines that the faults explain; `tmpfs` the size of the broker's disk in
    MB; `faults_inside` go into every worker, `collector_inside` into the collector. Without `replay` the log's
    beginning is gone at the end; without `every_bug` the bug was mended meanwhile."""

    name: str
    does: str
    faults: tuple[Fault, ...] = ()
    pause_s: tuple[float, float] = (1.0, 5.0)
    workers: int = 2
    seconds: float = 60.0
    mix: Mix = Mix()
    collector: bool = False
    properties: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    script: Script | None = None
    after: Script | None = None
    errors: tuple[str, ...] = ()
    faults_inside: str = ""
    collector_inside: str = ""
    tmpfs: int = 0
    quiet_s: float = QUIET_S
    replay: bool = True
    every_bug: bool = True
    groups: bool = False


class Outcome(NamedTuple):
    """What a run came to. `recovery` are seconds by fault, None where the site never was whole again."""

    schedule: str
    seed: int
    injected: dict[str, int]
    counts: Counts
    recovery: dict[str, list[float | None]]
    quiet: float | None
    worker_kills: int
    broker_kills: int
    most_memory: int
    answers: dict[int, int]
    violations: list[Violation]
    took_s: float


def run(schedule: Schedule, seed: int, seconds: float | None = None, keep: Path | None = None) -> Outcome:
    """Run a schedule for so long (its own time if None) and judge it. With `keep` the run's files stay there.

    A run that got stuck is a violation too: the runs after it are made all the same.
    """
    directory = keep or Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        return _Run(schedule, seed, seconds or schedule.seconds, directory).outcome()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        stuck = Violation("stuck", f"{type(error).__name__}: {error}")
        return Outcome(schedule.name, seed, {}, Counts(), {}, None, 0, 0, 0, {}, [stuck], 0.0)
    finally:
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)


class _Run:
    def __init__(self, schedule: Schedule, seed: int, seconds: float, directory: Path) -> None:
        self._schedule = schedule
        self._seed = seed
        self._seconds = seconds
        self._rng = random.Random(seed)
        settings = dict(schedule.settings)
        if schedule.tmpfs:
            injection.mount_tmpfs(directory / "kafka", schedule.tmpfs)
            injection.mount_tmpfs(directory / "logs", 8)
        self._directory = directory
        self._site = Site(
            directory, dict(schedule.properties), schedule.faults_inside, schedule.groups, **settings
        )
        self._watch = Watch(self._site, lag_allowed=schedule.mix.per_second)
        self._sender: Sender | None = None

    def outcome(self) -> Outcome:
        started = time.monotonic()
        site, schedule = self._site, self._schedule
        try:
            load, calm = self._play()
            judge = self._judge(load, calm)
        finally:
            site.close()
            self._unmount()
        judge.ends(site.left_behind())
        judge.logs(self._directory / "logs", schedule.errors)
        watch = self._watch
        recovery: dict[str, list[float | None]] = {}
        for injected in watch.injected:
            recovery.setdefault(injected.fault, []).append(watch.recovery(injected))
        return Outcome(
            schedule.name,
            self._seed,
            {fault: len(times) for fault, times in recovery.items()},
            judge.counts(load.count + (len(self._sender.accepted) if self._sender else 0)),
            recovery,
            calm,
            site.worker_kills,
            site.broker_kills,
            max(watch.most_memory.values(), default=0),
            dict(self._sender.answers) if self._sender else {},
            judge.found,
            time.monotonic() - started,
        )

    def _unmount(self) -> None:
        """The small disks go; what was logged stays."""
        if self._schedule.tmpfs:
            logs = self._directory / "logs"
            kept = {place.name: place.read_bytes() for place in logs.glob("*.log")}
            for place in (logs, self._directory / "kafka"):
                injection.unmount(place)
            for name, content in kept.items():
                (logs / name).write_bytes(content)

    def _play(self) -> tuple[Load, float | None]:
        """The load and the faults, to the end of the lag; how long that took."""
        site, schedule, watch = self._site, self._schedule, self._watch
        site.start_broker()
        site.make_topics()
        site.start_workers(schedule.workers)
        load = self._load()
        if schedule.collector:
            site.start_collector(schedule.collector_inside)
            assert site.collector is not None
            self._sender = Sender(site.collector.port)
            self._sender.start()
        load.start()
        watch.start()
        try:
            (schedule.script or self._draw)(site, watch, self._rng, time.monotonic() + self._seconds)
            site.heal()
            load.finish(DELIVER_S)
            if self._sender is not None:
                self._sender.finish()
                site.stop_collector()  # what it had on its way is in the log now
            if schedule.after is not None:
                schedule.after(site, watch, self._rng, time.monotonic())
            calm = self._calm()
        finally:
            watch.stop()
        return load, calm

    def _load(self) -> Load:
        mix = self._schedule.mix
        count = int(mix.per_second * (self._seconds + OVERTIME_S))
        records = stream(mix, count, PARTITIONS, self._seed, self._site.secret, int(time.time() * 1000))
        return Load(self._site.bootstrap, records, mix.per_second)

    def _draw(self, site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
        """Faults in turn by the seed, until the time is over."""
        while True:
            pause = rng.uniform(*self._schedule.pause_s)
            if not self._schedule.faults or time.monotonic() + pause > deadline:
                time.sleep(max(0.0, deadline - time.monotonic()))
                return
            time.sleep(pause)
            rng.choice(self._schedule.faults)(site, watch, rng)

    def _calm(self) -> float | None:
        """Seconds until all workers are ready and without lag, and stay so; None if they do not."""
        started, looks = time.monotonic(), 0
        while time.monotonic() - started < self._schedule.quiet_s * _busy():
            looks = looks + 1 if quiet(self._site.lasting) else 0
            if looks == CALM:
                return time.monotonic() - started
            time.sleep(1.0)
        for worker in self._site.lasting:
            (self._directory / f"{worker.name}.metrics").write_text(worker.reasons + worker.get("/metrics")[1])
            if worker.running:
                os.kill(worker.pid, signal.SIGUSR1)  # what is it waiting for?
        time.sleep(5.0)
        return None

    def _judge(self, load: Load, calm: float | None) -> Judge:
        site, schedule = self._site, self._schedule
        stopped = int(time.time() * 1000)
        wrong = site.stop_workers()
        found = evidence.read(site.settings)
        judge = Judge(found, site.delivery == "exactly-once")
        judge.acknowledged(load.acknowledged)
        if self._sender is not None:
            judge.collected(self._sender.accepted)
        judge.applied(load.acknowledged, stopped)
        if schedule.replay:
            try:
                judge.replayed(*command(site.bootstrap, "replay", "--diff", delivery=site.delivery))
            except AssertionError as said:
                judge.not_replayed(str(said))
        judge.remembered(remains.read(site.remains))
        judge.quiet(calm, schedule.quiet_s)
        sent = sum(len(source.records) for source in found.sources.values()) * 400
        data = self._directory / "kafka" / "data"
        disk = sum(path.stat().st_blocks * 512 for path in data.rglob("*") if path.is_file())
        judge.bounds(self._watch.most_memory, self._watch.most_files, disk, sent)
        judge.letters(schedule.mix.bugs > 0)
        if schedule.mix.bugs and schedule.every_bug:
            judge.bugs()
        judge.ends(wrong)
        return judge


def _busy() -> float:
    """How much longer a machine that does other work too may take: its load per core, up to four times."""
    return min(max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0), MOST_BUSY)


def wait_ready(site: Site, patience_s: float = 60.0) -> None:
    """Until all lasting workers are ready."""
    until(lambda: all(worker.ready for worker in site.lasting), patience_s, "being ready")
