"""How fast a worker takes over: records of the score table per second, and seconds per million leads."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.ground import Ground
from benchmarks.own import Worker

DONE: Final = "leadstreams_restore_duration_seconds_count"
PATIENCE_S: Final = 300.0
POLL_S: Final = 0.02


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, help="default: twice the leads")
    parser.add_argument("--partitions", type=int, default=4)


def run(options: argparse.Namespace) -> dict[str, Any]:
    events = options.events or 2 * options.leads
    with (
        tempfile.TemporaryDirectory() as directory,
        Ground(Path(directory), events, options.leads, options.partitions) as ground,
    ):
        ground.fill()
        with Worker(ground, {}) as worker:
            applied = worker.wait(lambda m: m["applied"] >= events)
            worker.wait(lambda m: m.get("leadstreams_lag_records", 0.0) == 0)
        started = time.monotonic()
        with Worker(ground, {}) as worker:
            began, opened = _opening(worker)
            ready = worker.wait(lambda m: m.get(DONE, 0.0) >= options.partitions)
    records = ready["leadstreams_restored_records_total"]
    leads = ready["leadstreams_leads"]
    seconds = opened - began
    return {
        "events": events,
        "leads": round(leads),
        "records": round(records),
        "restore_s": round(seconds, 2),
        "records_per_s": round(records / seconds),
        "s_per_million_leads": round(1e6 * seconds / leads, 2),
        "s_from_start_to_open": round(opened - started, 2),
        "rss_mb_before": round(applied["process_resident_memory_bytes"] / 1e6),
        "rss_mb_restored": round(ready["process_resident_memory_bytes"] / 1e6),
    }


def _opening(worker: Worker) -> tuple[float, float]:
    """When the worker was seen to restore its partitions, and when it was ready."""
    began: float | None = None
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        why, now = worker.unready(), time.monotonic()
        if why == "":
            return began or now, now
        if began is None and why is not None and "restoring" in why:
            began = now
        time.sleep(POLL_S)
    raise TimeoutError(f"the worker did not become ready: {worker.unready()}")
