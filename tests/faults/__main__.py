"""`python -m tests.faults [SCHEDULE...] [--seed N] [--minutes M] [--keep DIRECTORY]`: runs schedules one after the
other and prints what came of them; exit code 1 if an invariant was broken. `make faults` calls it."""

import argparse
import logging
import secrets
import signal
import sys
from pathlib import Path

from tests.faults import mutations, table
from tests.faults.schedule import Outcome, run
from tests.faults.schedules import ALL


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument(
        "schedules", nargs="*", default=["all"], help=f"all, mutations [NAME...], or of {', '.join(ALL)}"
    )
    parser.add_argument("--seed", type=int, help="repeats a run; drawn and printed if absent")
    parser.add_argument("--minutes", type=float, help="of each schedule, in place of its own time")
    parser.add_argument("--keep", type=Path, help="where logs and data of the runs stay")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our own load's, during outages
    names = list(ALL) if "all" in chosen.schedules else chosen.schedules
    seed = secrets.randbelow(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    if names[0] == "mutations":
        return _mutations(seed, frozenset(names[1:]))
    outcomes: list[Outcome] = []
    for name in names:
        seconds = None if chosen.minutes is None else chosen.minutes * 60
        keep = chosen.keep / name if chosen.keep else None
        outcome = run(ALL[name], seed, seconds, keep)
        outcomes.append(outcome)
        print("\n".join([*table.rows(outcome), ""]), flush=True)
    print("\n".join(table.summary(outcomes)))
    return 1 if any(outcome.violations for outcome in outcomes) else 0


def _mutations(seed: int, names: frozenset[str]) -> int:
    missed = 0
    for caught in mutations.catch(seed, names):
        print(mutations.row(caught), flush=True)
        missed += not caught.caught
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
