"""What each stage of an event costs: samples of the worker's processor time, by py-spy, as microseconds an event.

A sample belongs to the innermost frame whose file says a stage; so C code called from there counts with it. Only
threads that hold the interpreter's lock are sampled: the consumer's waits in C code that py-spy takes for work.
"""

import argparse
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from benchmarks.ground import Ground
from benchmarks.own import Worker, profiler_program

RATE_HZ: Final = 250
STAGES: Final = (
    ("decode the event", ("streams/scoring/event.py", "streams/intake.py", "schemas/")),
    ("whose it is", ("streams/identity/", "streams/kinship.py")),
    ("remember its id", ("streams/scoring/memory.py",)),
    ("visits", ("streams/scoring/visit.py",)),
    ("score and stage", ("streams/scoring/score.py", "streams/scoring/stage.py", "streams/scoring/ledger.py")),
    ("rest of the lead's record", ("streams/scoring/",)),
    ("read and encode records", ("streams/table.py", "streams/progress.py", "streams/order.py")),
    (
        "tell transitions, make handoffs",
        (
            "streams/announcement.py",
            "streams/transition.py",
            "streams/story.py",
            "streams/handoff.py",
            "streams/outbox.py",
        ),
    ),
    ("the partition's own loop", ("streams/shard.py", "streams/breaker.py")),
    ("fetch and unpack batches", ("streams/lane/fetch.py", "aiokafka/consumer/", "aiokafka/record/")),
    ("write transactions", ("streams/lane/packing.py", "streams/lane/transaction.py", "aiokafka/producer/")),
    ("protocol and connections", ("aiokafka/",)),
    ("the lane's own loop", ("streams/lane/", "streams/app.py")),
    ("metrics and health", ("streams/metrics.py", "streams/health.py", "prometheus_client/")),
    ("Faust, mode and asyncio", ("faust/", "mode/", "asyncio/", "uvloop")),
)
OTHER: Final = "anything else"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--model", default="published")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--raw", type=Path, help="keep py-spy's samples, for a flame graph")


def run(options: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as directory,
        Ground(Path(directory), options.events, options.leads, options.partitions) as ground,
    ):
        raw = options.raw or Path(directory) / "samples.txt"
        ground.fill()
        with Worker(ground, {"LEADSTREAMS_MODEL": options.model}) as worker:
            first = worker.wait(lambda m: m["applied"] > options.events * 0.2)
            command = [profiler_program(), "record", "-r", str(RATE_HZ), "-d", f"{options.seconds:g}", "-f", "raw"]
            subprocess.run(
                [*command, "--gil", "-o", str(raw), "-p", str(worker.process.pid)], check=True, capture_output=True
            )
            last = worker.figures()
        assert last is not None
        samples = _samples(raw)
    events = last["applied"] - first["applied"]
    cost_us = 1e6 * (last["process_cpu_seconds_total"] - first["process_cpu_seconds_total"]) / events
    total = sum(samples.values())
    return {
        "events": round(events),
        "all_applied_meanwhile": last["applied"] >= options.events,
        "samples": total,
        "us_per_event": round(cost_us, 2),
        "stages": {name: round(cost_us * number / total, 2) for name, number in samples.most_common()},
    }


def _samples(raw: Path) -> Counter[str]:
    """How many samples each stage has."""
    found: Counter[str] = Counter()
    for line in raw.read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        found[_stage(stack.split(";"))] += int(number)
    return found


def _stage(frames: list[str]) -> str:
    for frame in reversed(frames):
        for name, files in STAGES:
            if any(file in frame for file in files):
                return name
    return OTHER
