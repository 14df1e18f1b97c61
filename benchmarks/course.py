"""One run of one engine over the log: how far it is from moment to moment, and what came out."""

import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from benchmarks import machine
from benchmarks.engine import Engine
from benchmarks.ground import EVENTS, Ground
from streams import admin
from streams.broker import end, guarded

SAMPLE_S: Final = 0.2
STALL_S: Final = 90.0
"""Without progress for so long an engine has failed."""
QUIET_S: Final = 3.0
"""After the last event is committed, outputs may still be under way for so long."""
LATER: Final = 0.5
"""The rate is that of the log's later part, from here on: the engine is warm."""


class Sample(NamedTuple):
    """The state of an engine at a moment: `events` are committed."""

    at: float
    events: int
    processor_s: float


class Course(NamedTuple):
    """What one run came to. Rates are of the later part of the log; `handoffs` None: nothing to compare with."""

    engine: str
    events: int
    per_s: float
    per_processor_s: float
    first_half_per_s: float
    resident: int
    missing: int
    unexpected: int
    twice: int
    handoffs: int
    failed: str = ""


class RunFailed(Exception):
    """The engine ended or stood still; what it printed last."""


class Running(NamedTuple):
    """A started engine."""

    process: "subprocess.Popen[bytes]"
    output: Path

    def printed(self) -> str:
        return self.output.read_text(errors="replace")[-1500:]


@contextmanager
def started(engine: Engine, ground: Ground) -> Iterator[Running]:
    """The engine on its core, on topics as on the first day; ended at the end."""
    engine.clear(ground)
    with tempfile.TemporaryDirectory(prefix="leadstreams-bench-") as directory:
        state = Path(directory)
        command = machine.on(machine.ENGINE_CORE, engine.command(state))
        output = state / "output.log"
        with output.open("wb") as sink:
            process = guarded(command, sink, engine.environment(ground, state))
        try:
            yield Running(process, output)
        finally:
            end(process, signal.SIGTERM, 15.0)


def run(engine: Engine, ground: Ground) -> tuple[list[Sample], int]:
    """Run until everything is committed; the samples, and the resident memory at the end. Raises RunFailed."""
    with started(engine, ground) as running:
        samples = _sampled(engine, ground, running)
        resident = machine.resident(running.process.pid)
        time.sleep(QUIET_S)
    return samples, resident


def _sampled(engine: Engine, ground: Ground, running: Running) -> list[Sample]:
    samples = [Sample(time.monotonic(), 0, 0.0)]
    moved = time.monotonic()
    with admin.connect(ground.settings()) as client:
        while samples[-1].events < ground.events:
            time.sleep(SAMPLE_S)
            at, cost = time.monotonic(), machine.processor_s(running.process.pid)
            committed = _committed(client, engine.group)
            if committed > samples[-1].events:
                samples.append(Sample(at, committed, cost))
                moved = at
            elif running.process.poll() is not None or at - moved > STALL_S:
                raise RunFailed(f"at {committed} of {ground.events}: {running.printed()}")
    return samples


def _committed(client: KafkaAdminClient, group: str) -> int:
    """Events of the log that the group has committed."""
    try:
        found = client.list_group_offsets({group: None}).get(group, {})
    except KafkaError:
        return 0
    return sum(max(noted.offset, 0) for tp, noted in found.items() if tp.topic in EVENTS)


def judged(engine: Engine, ground: Ground, samples: list[Sample], resident: int, wanted: frozenset[str]) -> Course:
    """The run's rates, and its handoffs against the replay's."""
    keys = ground.read_keys(engine.output)
    found = ground.handoff_ids(keys, engine.model)
    per_s, per_processor_s = rates(samples, ground.events)
    half = next(sample for sample in samples if sample.events >= ground.events * LATER)
    return Course(
        engine.name,
        ground.events,
        per_s,
        per_processor_s,
        half.events / (half.at - samples[0].at),
        resident,
        len(wanted - found),
        len(found - wanted),
        sum(times - 1 for times in keys.values()),
        len(found),
    )


def failed(engine: Engine, ground: Ground, why: str) -> Course:
    return Course(engine.name, ground.events, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, why)


def rates(samples: list[Sample], events: int) -> tuple[float, float]:
    """Events per second of the wall clock and of the processor's time, over the later part of the log.

    From the first commit seen past the middle to the last one before the end: the last commit of all may have
    waited for its interval with nothing left to do.
    """
    first = next(sample for sample in samples if sample.events >= events * LATER)
    later = [sample for sample in samples if sample.at > first.at]
    if not later:
        first, last = samples[0], samples[-1]
    else:
        last = later[-2] if len(later) > 1 else later[-1]
    done = last.events - first.events
    return done / max(last.at - first.at, 1e-9), done / max(last.processor_s - first.processor_s, 1e-9)


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, lowest and highest."""
    return statistics.median(values), min(values), max(values)
