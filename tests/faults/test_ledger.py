"""Runs that are made one by one add up, and a run that was stopped goes on where it ended."""

from pathlib import Path

from tests.faults.invariants import Counts, Violation
from tests.faults.ledger import Ledger
from tests.faults.schedule import Outcome
from tests.faults.table import summary


def outcome(schedule: str, seed: int, kills: int, *violations: Violation) -> Outcome:
    counts = Counts(100, len(violations), 0, 7)
    recovery: dict[str, list[float | None]] = {"worker kill -9": [1.5, None]}
    return Outcome(
        schedule, seed, {"worker kill -9": 2}, counts, recovery, 2.0, kills, 1, 9, {200: 4}, list(violations), 60.0
    )


def test_a_ledger_gives_back_what_was_noted_and_knows_what_has_to_be_made_again(tmp_path: Path) -> None:
    place = tmp_path / "all" / "ledger"
    first = Ledger(place)
    assert first.seed is None
    made = [outcome("kill", 3, 5), outcome("zombie", 3, 2, Violation("I1", "lost"))]
    for each in made:
        first.add(each)
    found = Ledger(place)
    assert found.outcomes == made
    assert found.seed == 3
    assert [found.has(name, seed) for name, seed in (("kill", 3), ("kill", 4), ("zombie", 3))] == [
        True,
        False,
        False,
    ]
    found.add(outcome("zombie", 3, 4))
    assert [each.worker_kills for each in Ledger(place).outcomes] == [5, 4]  # the newest of each


def test_the_table_has_a_line_for_each_run_and_their_sums() -> None:
    lines = summary([outcome("kill", 3, 5), outcome("zombie", 4, 2, Violation("I1", "lost"))])
    assert lines[2] == "| kill | 3 | 2 | 5 | 1 | 100 | 0 | 0 | 7 | 0 | 0 | 0 | 1.5 s | holds |"
    assert lines[3] == "| zombie | 4 | 2 | 2 | 1 | 100 | 1 | 0 | 7 | 0 | 0 | 0 | 1.5 s | I1 |"
    assert lines[4] == "| all |  | 4 | 7 | 2 | 200 | 1 | 0 | 14 | 0 | 0 | 0 |  |  |"
    assert lines[-1] == "worker kill -9 x 4"
