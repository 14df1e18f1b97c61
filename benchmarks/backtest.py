"""A backtest's speed against the worker's own core, like for like: the same events, one process, one run.

The worker's side is what a worker does with an event apart from Kafka: decode, apply, encode what changed, hand
over. The backtest's side is all of it: reading the events, sorting them by person, replaying them, gathering what
was told. Seconds are of the processor, which other programs disturb little; the goal is a ratio of 0.8.
"""

import argparse
import gc
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from benchmarks import load
from streams import model_file, topics
from streams.analysis import trial
from streams.analysis.source import Reader
from streams.identity.keys import Secret
from streams.lane.record import Record
from streams.scoring.instant import milliseconds
from streams.scoring.model import Model
from streams.shard import Shard, Terms

SECRET: Final = Secret(b"keys that stay in this process")
BATCH: Final = 2_000
"""Records of one poll."""
FLUSH: Final = 10_000
"""Events between two flushes under load."""
LOOPS: Final = (topics.LEAD_FORWARDS, topics.LEAD_TRANSITIONS)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--model", default="published")
    parser.add_argument("--rounds", type=int, default=1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Events per second of processor time on both sides, and the ratio of the best rounds."""
    model = model_file.load(options.model)
    assert isinstance(model, Model), model
    terms = Terms(model, SECRET)
    log = [
        (topic, milliseconds(str(event["received_at"])), msgspec.json.encode(event))
        for topic, _, event in load.events(options.events, options.leads, 1)
    ]
    gc.collect()
    gc.freeze()  # as the worker does: what is alive now stays
    worker, backtest = [], []
    for _ in range(options.rounds):
        worker.append(_timed(lambda: _work(log, terms)))
        backtest.append(_timed(lambda: _backtest(log, terms)))
    rates = {name: options.events / min(seconds) for name, seconds in (("worker", worker), ("backtest", backtest))}
    return {
        "events": options.events,
        "leads": options.leads,
        "model": options.model,
        **{f"{name}_per_cpu_second": round(rate) for name, rate in rates.items()},
        "ratio": round(rates["backtest"] / rates["worker"], 2),
    }


def _timed(work: Callable[[], object]) -> float:
    gc.collect()
    before = time.process_time()
    work()
    return time.process_time() - before


def _work(log: list[tuple[str, int, bytes]], terms: Terms) -> None:
    """As the lane hands records to a partition: of each topic what one poll brought, a flush now and then."""
    shard = Shard(0, 1, terms)
    offsets = dict.fromkeys(topics.SOURCES, 0)
    since = 0
    for first in range(0, len(log), BATCH):
        polled: dict[str, list[Record]] = {}
        for topic, at, raw in log[first : first + BATCH]:
            polled.setdefault(topic, []).append(Record(topic, 0, offsets[topic], at, b"", raw, []))
            offsets[topic] += 1
        for topic, records in polled.items():
            shard.apply(topic, records)
        since += BATCH
        if since >= FLUSH:
            _flush(shard, offsets)
            since = 0
    _flush(shard, offsets)


def _flush(shard: Shard, offsets: dict[str, int]) -> None:
    """What a partition writes, and what of it comes back to it."""
    while shard.pending:
        changes = shard.take()
        shard.confirm()
        for topic in LOOPS:
            came = [effect for effect in changes.effects if effect.topic == topic]
            records = [Record(topic, 0, offsets[topic] + n, 0, e.key, e.value, []) for n, e in enumerate(came)]
            offsets[topic] += len(came)
            if records:
                shard.apply(topic, records)


def _backtest(log: list[tuple[str, int, bytes]], terms: Terms) -> None:
    reader = Reader()
    for line, (_, _, raw) in enumerate(log):
        reader.take(raw, line)
    source = reader.finish()
    trial.run(source.events, terms, source.end, lambda count: None)
