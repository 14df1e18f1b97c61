"""Our own worker alone: what `make bench` prints."""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.error import HTTPError

import msgspec

from benchmarks import engine, machine
from benchmarks.ground import SECRET, Ground
from benchmarks.load import events
from streams import topics
from streams.broker import free_port

PATIENCE_S: Final = 120.0
POLL_S: Final = 0.5
"""Between two looks at the worker's metrics: it spends its own time on each."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--flush-ms", type=int, default=10)
    parser.add_argument("--model", default="published")
    parser.add_argument("--workers", type=int, default=1, help="so many, which share the core")
    parser.add_argument("--profile", type=Path, help="a file for py-spy's raw samples of the worker")


def run(options: argparse.Namespace) -> dict[str, float | int | str]:
    """Load the topics, run the workers over them until nothing is unread, and read their own figures."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Ground(Path(directory), options.events, options.leads, options.partitions) as ground,
    ):
        ground.fill()
        return _measure(ground, options)


class Worker:
    """One worker on its core; `environment` adds to its settings. Use as a context manager."""

    def __init__(self, ground: Ground, environment: dict[str, str]) -> None:
        self.port = free_port()
        settings = {
            "LEADSTREAMS_BROKER": ground.bootstrap,
            "LEADSTREAMS_SECRET": SECRET,
            "LEADSTREAMS_WORKER_PORT": str(self.port),
            "LEADSTREAMS_DELIVERY": "exactly-once",
        }
        program = str(Path(sys.executable).with_name("leadstreams"))
        command = machine.on(machine.ENGINE_CORE, [program, "worker"])
        self.process = subprocess.Popen(command, env=machine.environment(settings | environment))

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(15)

    def figures(self) -> dict[str, float] | None:
        """Its metrics by name, with labels and summed; `applied`: events of the inputs; `time`. None: not yet."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        values: dict[str, float] = {"time": time.monotonic(), "applied": 0.0, "leadstreams_handoffs_total": 0.0}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, _, value = line.rpartition(" ")
            family, _, labels = name.partition("{")
            values[family] = values.get(family, 0.0) + float(value)
            values[name] = float(value)
            if family == "leadstreams_events_total" and any(
                f'topic="{topic}"' in labels for topic in topics.INPUTS
            ):
                values["applied"] += float(value)
        return values

    def unready(self) -> str | None:
        """Why it is not ready, in its own words; empty when it is, None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                return ""
        except HTTPError as answer:
            return str(answer.read())
        except OSError:
            return None

    def wait(
        self, reached: Callable[[dict[str, float]], bool], patience_s: float = PATIENCE_S
    ) -> dict[str, float]:
        """The figures once they satisfy; raises TimeoutError when they do not move for so long."""
        applied, deadline = -1.0, time.monotonic() + patience_s
        while True:
            figures = self.figures()
            if figures is not None and reached(figures):
                return figures
            if figures is not None and figures["applied"] > applied:
                applied, deadline = figures["applied"], time.monotonic() + patience_s
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"the worker did not get there: {figures and figures['applied']}")
            time.sleep(POLL_S)


def _measure(ground: Ground, options: argparse.Namespace) -> dict[str, float | int | str]:
    settings = {"LEADSTREAMS_FLUSH_MS": str(options.flush_ms), "LEADSTREAMS_MODEL": options.model}
    with contextlib.ExitStack() as running:
        workers = [running.enter_context(Worker(ground, settings)) for _ in range(options.workers)]
        begun = options.events * 0.05
        for worker in workers:  # all of them at work: the group has settled
            worker.wait(lambda m: m["applied"] > begun / options.workers)
        first = _together(workers)
        first_one, *others = workers
        if options.profile:
            running.enter_context(_profiled(first_one, options.profile))
        first_one.wait(lambda m: m["applied"] + _together(others).get("applied", 0.0) >= options.events)
        last = _together(workers)
    applied = last["applied"] - first["applied"]
    processor = applied / (last["process_cpu_seconds_total"] - first["process_cpu_seconds_total"])
    return {
        "events": options.events,
        "leads": options.leads,
        "workers": options.workers,
        "bytes_per_event": ground.bytes_per_event,
        "loaded_per_s": round(ground.loaded_per_s),
        "events_per_s": round(applied / (last["time"] - first["time"])),
        "events_per_cpu_s": round(processor),
        "decodes_per_event": round(1 / processor / _untyped_decode_s(), 2),
        "rss_mb": round(last["process_resident_memory_bytes"] / 1e6),
        "handoffs": int(last["leadstreams_handoffs_total"]),
    }


def _together(workers: list[Worker]) -> dict[str, float]:
    """The sums of their figures; `time` is the last one's."""
    sums: dict[str, float] = {}
    for figures in [worker.wait(lambda _: True) for worker in workers]:
        sums = {name: sums.get(name, 0.0) + value for name, value in figures.items()} | {"time": figures["time"]}
    return sums


@contextlib.contextmanager
def _profiled(worker: Worker, samples: Path) -> Iterator[None]:
    """Until the end, or until the worker stops."""
    command = [profiler_program(), "record", "-d", "3600", "-r", "200", "-f", "raw", "--gil", "-o", str(samples)]
    profiler = subprocess.Popen([*command, "-p", str(worker.process.pid)])
    try:
        yield
    finally:
        profiler.send_signal(signal.SIGINT)
        profiler.wait(20)


def profiler_program() -> str:
    """py-spy from the path, or from an environment of its own that is made for it."""
    return shutil.which("py-spy") or str(engine.tool("py-spy").with_name("py-spy"))


def _untyped_decode_s() -> float:
    """Processor seconds of decoding one event as untyped JSON: the machine's speed at this moment."""
    values = [msgspec.json.encode(event) for _, _, event in events(20_000, 1_000, 3)]
    decode = msgspec.json.Decoder().decode
    started = time.process_time()
    for value in values:
        decode(value)
    return (time.process_time() - started) / len(values)
