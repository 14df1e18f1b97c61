"""`python -m benchmarks`: events per second of one worker on one core, exactly once, on Apache Kafka.

The broker has a core of its own. Two figures: per second of the wall clock, which other programs disturb, and per
second of the worker's processor time, which they disturb less; and, to compare with other machines, the cost of
one event as a multiple of decoding it as untyped JSON in the same run.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.load import events, write
from streams import admin, topics
from streams.broker import free_port
from streams.identity.keys import Secret
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker

SECRET: Final = "a-secret-for-benchmarks-only"
PATIENCE_S: Final = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--flush-ms", type=int, default=10)
    parser.add_argument("--profile", type=Path, help="a file for py-spy's raw samples of the worker")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        broker = KafkaBroker(Path(directory)).start()
        _pin(broker.pid, {1})
        try:
            print(json.dumps(measure(broker, options), indent=2))
        finally:
            broker.kill()
    return 0


def measure(broker: KafkaBroker, options: argparse.Namespace) -> dict[str, float | int | str]:
    """Load the topics, run one worker over them until nothing is unread, and read its own figures."""
    settings = Settings(broker=broker.bootstrap, partitions=options.partitions, secret=SECRET)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    started = time.monotonic()
    size = asyncio.run(
        write(broker.bootstrap, options.events, options.leads, 7, options.partitions, Secret(SECRET.encode()))
    )
    loaded_s = time.monotonic() - started
    port = free_port()
    environment = os.environ | {
        "LEADSTREAMS_BROKER": broker.bootstrap,
        "LEADSTREAMS_SECRET": SECRET,
        "LEADSTREAMS_WORKER_PORT": str(port),
        "LEADSTREAMS_FLUSH_MS": str(options.flush_ms),
        "LEADSTREAMS_DELIVERY": "exactly-once",
    }
    program = str(Path(sys.executable).with_name("leadstreams"))
    worker = subprocess.Popen(["taskset", "-c", "0", program, "worker"], env=environment)
    profiler = None
    try:
        first = _await(port, lambda m: m["applied"] > options.events * 0.05)
        if options.profile:
            command = ["py-spy", "record", "-d", "8", "-r", "200", "-f", "raw", "-o", str(options.profile)]
            profiler = subprocess.Popen([*command, "-p", str(worker.pid)])
        last = _await(port, lambda m: m["applied"] >= options.events)
        rate = (last["applied"] - first["applied"]) / (last["time"] - first["time"])
        processor = (last["applied"] - first["applied"]) / (last["cpu"] - first["cpu"])
        if profiler is not None:
            profiler.wait(20)
    finally:
        worker.terminate()
        worker.wait(15)
    yardstick = _untyped_decode_s()
    return {
        "events": options.events,
        "leads": options.leads,
        "bytes_per_event": round(size / options.events),
        "loaded_per_s": round(options.events / loaded_s),
        "events_per_s": round(rate),
        "events_per_cpu_s": round(processor),
        "decodes_per_event": round(1 / processor / yardstick, 2),
        "rss_mb": round(last["rss"] / 1e6),
        "handoffs": int(last["handoffs"]),
    }


def _await(port: int, reached: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        figures = _figures(port)
        if figures is not None and reached(figures):
            return figures
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker did not get there: {figures}")
        time.sleep(0.05)


def _figures(port: int) -> dict[str, float] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    values: dict[str, float] = {"time": time.monotonic(), "applied": 0, "cpu": 0, "rss": 0, "handoffs": 0}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("leadstreams_events_total") and any(f'topic="{t}"' in name for t in topics.INPUTS):
            values["applied"] += float(value)
        elif name == "process_cpu_seconds_total":
            values["cpu"] = float(value)
        elif name == "process_resident_memory_bytes":
            values["rss"] = float(value)
        elif name.startswith("leadstreams_handoffs_total"):
            values["handoffs"] += float(value)
    return values


def _untyped_decode_s() -> float:
    """Processor seconds of decoding one event as untyped JSON: the machine's speed at this moment."""
    values = [msgspec.json.encode(event) for _, _, event in events(20_000, 1_000, 3)]
    decode = msgspec.json.Decoder().decode
    started = time.process_time()
    for value in values:
        decode(value)
    return (time.process_time() - started) / len(values)


def _pin(pid: int, cores: set[int]) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


if __name__ == "__main__":
    sys.exit(main())
