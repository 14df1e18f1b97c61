"""A short course of faults: kills, a crash within a flush, a rebalance, a broker's end, a zombie, over a load with
repeats, poison, erasures and events at which the core fails."""

from pathlib import Path

import pytest

from tests.faults.mutations import ALL as MUTATIONS
from tests.faults.schedule import run
from tests.faults.schedules import ALL
from tests.faults.table import rows

pytestmark = pytest.mark.kafka
SEED = 20


def test_under_a_little_of_every_fault_nothing_is_lost_or_applied_twice(tmp_path: Path) -> None:
    outcome = run(ALL["short"], SEED, keep=tmp_path)
    assert outcome.violations == [], "\n".join(rows(outcome))
    assert outcome.counts.events > 10_000
    assert outcome.counts.handoffs > 100
    assert outcome.worker_kills >= 3
    assert outcome.answers[200] > 50


@pytest.mark.parametrize("broken", ["seek_one_too_far"])
def test_the_checker_sees_a_break(broken: str, tmp_path: Path) -> None:
    (mutation,) = [mutation for mutation in MUTATIONS if mutation.broken == broken]
    outcome = run(mutation.schedule, SEED, keep=tmp_path)
    assert mutation.caught_by in {violation.invariant for violation in outcome.violations}
