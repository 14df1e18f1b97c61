"""The checker checked: each deliberate break of the program under the shortest faults that show it, and the
invariant that must catch it. `python -m tests.faults mutations`."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tests.faults import injection, scripts
from tests.faults.breaks import UNFENCED_S
from tests.faults.load import Mix
from tests.faults.schedule import Schedule, Script, run
from tests.faults.site import FaultyWorker, Site
from tests.faults.watch import Watch
from tests.kafka.fleet import until

SECONDS: Final = 6.0
MIX: Final = Mix(per_second=600, people=300)
QUIET_S: Final = 25.0
OUTAGE_S: Final = 8.0
FREEZE_S: Final = 150.0
RESTORED_S: Final = 8.0
"""After which a worker that takes over has read the changelog, also on a busy machine."""
WOKEN_S: Final = 2.0
"""In which a worker that was woken goes on with its commit."""
VISIT_S: Final = 90.0
CLOSED_TRANSACTION_S: Final = 26.0
"""Longer than a transaction may stay open, and the broker, which looks every ten seconds, lets it."""


class Mutation(NamedTuple):
    """A break, the faults that show it and the invariant that must catch it."""

    broken: str
    caught_by: str
    script: Script
    mix: Mix = MIX
    inside: str = ""
    collector: bool = False
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def schedule(self) -> Schedule:
        breaks = f"{self.inside} {self.broken}".strip()
        return Schedule(
            self.broken,
            "",
            seconds=SECONDS,
            mix=self.mix,
            script=self.script,
            faults_inside="" if self.collector else breaks,
            collector=self.collector,
            collector_inside=breaks if self.collector else "",
            settings=self.settings,
            quiet_s=QUIET_S,
            errors=("ZeroDivisionError|failpoints",) if self.inside else (),
        )


class Caught(NamedTuple):
    """What a mutation came to: the first finding of each invariant that saw it."""

    mutation: Mutation
    findings: dict[str, str]
    took_s: float

    @property
    def caught(self) -> bool:
        return self.mutation.caught_by in self.findings


def crashes(point: str, times: int = 3) -> Script:
    """Workers in turn die at a point of a flush."""

    def play(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
        for turn in range(times):
            victim = site.lasting[turn % len(site.lasting)]
            site.kill(victim)
            victim.start(FAULTS=f"{site.faults} {point}={rng.randrange(6, 20)}")
            _until_or_kill(lambda victim=victim: not victim.running, victim)  # type: ignore[misc]
            watch.note(point)
            victim.start()
        time.sleep(max(0.0, deadline - time.monotonic()))

    return play


def _until_or_kill(condition: Callable[[], bool], victim: FaultyWorker) -> None:
    try:
        until(condition, injection.CRASH_S)
    except AssertionError:
        victim.kill()


def late_commit(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A worker frozen in mid-commit wakes when another one has restored its partitions."""
    victim, other = site.lasting[:2]
    site.kill(victim)
    victim.start(FAULTS=f"{site.faults} freeze_before_commit={rng.randrange(6, 20)}")
    until(lambda: victim.stopped, FREEZE_S, "freezing")
    victim.frozen = True
    until(lambda: "restoring" in other.reasons, 30, "the take-over")
    time.sleep(RESTORED_S)
    victim.thaw()
    time.sleep(WOKEN_S)
    site.kill(victim)  # or it would take its partitions back, with the state that it has
    watch.note("zombie in mid-commit")
    time.sleep(UNFENCED_S)
    victim.start()


def long_commit(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A worker is frozen in mid-commit until the broker has given its transaction up, and is still a member."""
    victim = site.lasting[0]
    site.kill(victim)
    victim.start(FAULTS=f"{site.faults} freeze_before_commit={rng.randrange(6, 20)}")
    until(lambda: victim.stopped, FREEZE_S, "freezing")
    victim.frozen = True
    time.sleep(CLOSED_TRANSACTION_S)
    victim.thaw()
    watch.note("frozen past the transaction's time")
    time.sleep(SECONDS / 2)


def short_outage(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """The broker is away for some seconds, twice."""
    for _ in range(2):
        time.sleep(2.0)
        site.kill_broker()
        time.sleep(OUTAGE_S)
        site.start_broker()
        watch.note("broker away")
        time.sleep(2.0)


def visits(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A further worker joins until it has partitions, and leaves: twice. Others keep some of theirs."""
    visitor = site.worker("guest", instance="")
    for _ in range(2):
        visitor.start()
        until(lambda: visitor.ready, VISIT_S, "the guest's being ready")
        watch.note("worker joins")
        time.sleep(2.0)
        visitor.stop()
        watch.note("worker leaves")
        time.sleep(2.0)


calm = scripts.in_turn()
kill = scripts.in_turn(injection.kill_worker, injection.kill_worker)
POISON: Final = MIX._replace(poison=0.02)
LONG_SESSION: Final = (("session_timeout_s", "40"),)
SLOW_FLUSHES: Final = (("flush_ms", "500"),)
"""So that there is always something that is not flushed."""

ALL: Final = (
    Mutation("commit_before_effects", "I2", crashes("crash_after_commit", 4)),
    Mutation("effects_outside", "I4", crashes("crash_before_commit", 4)),
    Mutation("no_fence", "I1", late_commit),
    Mutation("restore_before_fence", "I1", late_commit, inside="long_transactions long_flushes"),
    Mutation("seek_one_too_far", "I1", kill),
    Mutation("state_ahead", "I1", visits, settings=SLOW_FLUSHES),
    Mutation("batch_twice", "I4", kill),
    Mutation("no_order", "I1", calm),
    Mutation("believe_unconfirmed", "I1", long_commit, inside="long_flushes", settings=LONG_SESSION),
    Mutation("acknowledge_early", "I1", short_outage, collector=True),
    Mutation("drop_effects", "I2", calm),
    Mutation("forget_a_lead", "I3", calm),
    Mutation("drop_handoffs", "I4", calm),
    Mutation("read_uncommitted", "I4", crashes("crash_before_commit", 4)),
    Mutation("stay_away", "I5", visits),
    Mutation("complain", "I6", calm),
    Mutation("leak", "I6", calm),
    Mutation("bare_dead_letters", "I7", calm, mix=POISON),
    Mutation("lost_dead_letters", "I7", calm, mix=POISON),
    Mutation("swallow", "I7", calm, mix=MIX._replace(bugs=0.002), inside="bug"),
)


def catch(seed: int, names: frozenset[str] = frozenset()) -> Iterator[Caught]:
    """Run the mutations one after the other; all of them, if none is named."""
    for mutation in ALL:
        if names and mutation.broken not in names:
            continue
        try:
            outcome = run(mutation.schedule, seed)
        except AssertionError as error:  # the faults could not be played
            yield Caught(mutation, {"harness": str(error)}, 0.0)
            continue
        findings: dict[str, str] = {}
        for violation in outcome.violations:
            findings.setdefault(violation.invariant, violation.words)
        yield Caught(mutation, findings, outcome.took_s)


def row(caught: Caught) -> str:
    """A line of the Markdown table."""
    mutation = caught.mutation
    doc = _said(mutation.broken)
    seen = ", ".join(sorted(caught.findings)) or "nothing"
    mark = f"**{mutation.caught_by}**" if caught.caught else f"NOT BY {mutation.caught_by}"
    others = "; ".join(caught.findings.values())
    words = caught.findings.get(mutation.caught_by, others)
    return f"| `{mutation.broken}` | {doc} | {mark} | {seen} | {words[:140]} | {caught.took_s:.0f} s |"


def _said(broken: str) -> str:
    from tests.faults.breaks import ALL as BREAKS

    return (BREAKS[broken].__doc__ or "").strip()
