"""Runs schedules one after the other and prints what came of them; exit code 1 if an invariant was broken:
`python -m tests.faults [SCHEDULE...] [--seed N] [--minutes M] [--ledger FILE] [--keep DIRECTORY]`, `make faults`.

With a ledger each run is noted when it ends. One that stands there (schedule and seed) and held is not made again,
and the table at the end is of all that stand there: `all` may be stopped and gone on with, or run in parts. It
goes on with the ledger's seed, if none is given.
"""

import argparse
import logging
import secrets
import signal
import sys
from pathlib import Path

from tests.faults import mutations, table
from tests.faults.ledger import Ledger
from tests.faults.schedule import run
from tests.faults.schedules import ALL


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument(
        "schedules", nargs="*", default=["all"], help=f"all, mutations [NAME...], or of {', '.join(ALL)}"
    )
    parser.add_argument("--seed", type=int, help="repeats a run; drawn and printed if absent")
    parser.add_argument("--minutes", type=float, help="of each schedule, in place of its own time")
    parser.add_argument("--ledger", type=Path, help="a file of outcomes: goes on where it ends, and adds up")
    parser.add_argument("--keep", type=Path, help="where logs and data of the runs stay")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our own load's, during outages
    names = list(ALL) if "all" in chosen.schedules else chosen.schedules
    ledger = Ledger(chosen.ledger)
    seed = next(
        (seed for seed in (chosen.seed, ledger.seed) if seed is not None),
        secrets.randbelow(10**6),
    )
    print(f"seed {seed}", flush=True)
    if names[0] == "mutations":
        return _mutations(seed, frozenset(names[1:]))
    for name in names:
        if ledger.has(name, seed):
            continue
        seconds = None if chosen.minutes is None else chosen.minutes * 60
        keep = chosen.keep / name if chosen.keep else None
        outcome = run(ALL[name], seed, seconds, keep)
        ledger.add(outcome)
        print("\n".join([*table.rows(outcome), ""]), flush=True)
    print("\n".join(table.summary(ledger.outcomes)))
    return 1 if any(outcome.violations for outcome in ledger.outcomes) else 0


def _mutations(seed: int, names: frozenset[str]) -> int:
    missed = 0
    for caught in mutations.catch(seed, names):
        print(mutations.row(caught), flush=True)
        missed += not caught.caught
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
