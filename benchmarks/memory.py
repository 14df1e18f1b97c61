"""What a lead costs a worker: resident memory and record size, at several numbers of leads.

`live` is the worker that applied the events, `restored` one that was started afterwards; both without what a
worker needs that has no leads. `record` is the size of a record in the score table.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.ground import Ground
from benchmarks.own import Worker
from streams import log

RESIDENT: Final = "process_resident_memory_bytes"
OPENED: Final = "leadstreams_restore_duration_seconds_count"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", default="10000,100000,1000000", help="with commas")
    parser.add_argument("--events-per-lead", type=float, default=4.0)
    parser.add_argument("--partitions", type=int, default=4)


def run(options: argparse.Namespace) -> dict[str, Any]:
    found = [
        _measure(number, int(number * options.events_per_lead), options.partitions)
        for number in map(int, options.leads.split(","))
    ]
    return {"populations": found}


def _measure(leads: int, events: int, partitions: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory, Ground(Path(directory), events, leads, partitions) as ground:
        with Worker(ground, {}) as worker:
            empty = worker.wait(lambda m: m.get(OPENED, 0.0) >= partitions)[RESIDENT]
            ground.fill()
            live = worker.wait(lambda m: m["applied"] >= events)
        with Worker(ground, {}) as worker:
            restored = worker.wait(lambda m: m.get(OPENED, 0.0) >= partitions)
        sizes = sorted(_sizes(ground))
    held = live["leadstreams_leads"]
    return {
        "drawn_from": leads,
        "events": events,
        "leads": round(held),
        "empty_mb": round(empty / 1e6),
        "live_mb": round(live[RESIDENT] / 1e6),
        "restored_mb": round(restored[RESIDENT] / 1e6),
        "live_bytes_per_lead": round((live[RESIDENT] - empty) / held),
        "restored_bytes_per_lead": round((restored[RESIDENT] - empty) / held),
        "record_mean_bytes": round(sum(sizes) / len(sizes)),
        "record_p99_bytes": sizes[int(len(sizes) * 0.99)],
        "record_most_bytes": sizes[-1],
    }


def _sizes(ground: Ground) -> Iterator[int]:
    """Bytes of every lead's newest record in the score table."""

    async def read() -> list[int]:
        async with log.opened(ground.settings()) as reader:
            tables = [(await log.stored(reader, number)).everything() for number in range(ground.partitions)]
        return [len(value) for table in tables for value in table.values()]

    yield from log.run(read())
