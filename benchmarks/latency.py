"""From an event to a handoff that a reader of committed records has: percentiles at several loads.

Beside the load, unknown leads become ready for sales: a form with a phone number, and a second later a contact
with sales, which is the event that is timed: from the moment it is given to the producer to the moment a consumer
of the handoffs has it. Load, broker and consumer share a core, the engine has the other one.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks import course, engine, load
from benchmarks.ground import SECRET, SEED, Ground
from streams import topics
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.instant import rfc3339

TICK_S: Final = 0.005
MARKED_SHARE: Final = 0.05
MOST_MARKED_PER_S: Final = 100.0
APART_S: Final = 1.0
PATIENCE_S: Final = 20.0
READY_S: Final = 120.0
EARLIER: Final = 10_000_000
"""Numbers of marked leads that only show that the engine is up."""


class Sent(NamedTuple):
    """What was offered. `at`: when each marked lead's event was given to the producer."""

    events: int
    seconds: float
    at: dict[str, float]


class Record(NamedTuple):
    topic: str
    partition: int
    key: bytes
    value: bytes


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rates", default="1000,10000,50000", help="events per second, with commas")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm", type=float, default=10.0, help="seconds before the first that counts")
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--engine", default="leadstreams", choices=[each.name for each in engine.ALL])


def run(options: argparse.Namespace) -> dict[str, Any]:
    chosen = next(each for each in engine.ALL if each.name == options.engine)
    chosen.prepare()
    found = []
    for rate in map(int, options.rates.split(",")):
        with tempfile.TemporaryDirectory() as directory:
            count = int(rate * (options.seconds + options.warm))
            with Ground(Path(directory), count, options.leads, options.partitions) as ground:
                found.append(_measure(chosen, ground, rate, options.warm))
    return {"engine": chosen.name, "version": chosen.version(), "loads": found}


def _measure(chosen: engine.Engine, ground: Ground, rate: int, warm_s: float) -> dict[str, Any]:
    records = list(_records(ground))
    context = multiprocessing.get_context("spawn")
    seen = context.Queue()
    with course.started(chosen, ground):
        listener = context.Process(
            target=_listen, args=(ground.bootstrap, chosen.output, ground.partitions, seen), daemon=True
        )
        listener.start()
        try:
            sent = uvloop.run(_send(ground, records, rate, seen))
            arrived = _collect(seen, set(sent.at))
        finally:
            listener.terminate()
            listener.join()
    first = min(sent.at.values()) + warm_s
    timed = {key: at for key, at in sent.at.items() if at >= first}
    took = sorted(1000 * (arrived[key] - at) for key, at in timed.items() if key in arrived)
    return {
        "offered_per_s": rate,
        "sent_per_s": round(sent.events / sent.seconds),
        "handoffs": len(took),
        "not_in_time": len(timed) - len(took),
        **{f"p{share:g}_ms": _percentile(took, share) for share in (50, 99, 99.9)},
        "most_ms": round(took[-1], 1) if took else None,
    }


def _percentile(took: list[float], share: float) -> float | None:
    return round(took[min(int(len(took) * share / 100), len(took) - 1)], 1) if took else None


def _records(ground: Ground) -> Iterator[Record]:
    """The load, encoded beforehand."""
    encode = msgspec.json.Encoder().encode
    place = {}
    for topic, lead, event in load.events(ground.events, ground.leads, SEED, load.until_now(ground.events)):
        if lead not in place:
            place[lead] = _place(f"user-{lead:08d}", ground.partitions)
        key, partition = place[lead]
        yield Record(topic, partition, key, encode(event))


def _place(user: str, partitions: int) -> tuple[bytes, int]:
    key = lead_keys(None, user, None, Secret(SECRET.encode()))[0]
    return key.encode(), partition_of(key, partitions)


def _marked(number: int, ground: Ground) -> tuple[Record, Record]:
    """A form and a contact with sales of a lead nobody knew."""
    user = f"marked-{number:08d}"
    key, partition = _place(user, ground.partitions)
    at = rfc3339(int(time.time() * 1000))
    common = {"occurred_at": at, "received_at": at, "source": "benchmark", "user_id": user, "schema_version": 1}
    form = {"type": "form_submitted", "form_id": "f-1", "form_type": "whitepaper", "phone": "+81 3 0000 0000"}
    contact = {"type": "sales_contacted", "channel": "phone", "outcome": "connected", "direction": "outbound"}
    asked = msgspec.json.encode({"event_id": f"form-{number}", "is_machine": False, **common, **form})
    spoke = msgspec.json.encode({"event_id": f"contact-{number}", "is_machine": False, **common, **contact})
    return (
        Record(topics.FORM_SUBMISSIONS, partition, key, asked),
        Record(topics.LEAD_ACTIVITIES, partition, key, spoke),
    )


async def _until_ready(producer: AIOKafkaProducer, ground: Ground, seen: Any) -> None:
    """Until a first handoff was read: the engine is up. Raises TimeoutError."""
    deadline, number = time.monotonic() + READY_S, EARLIER
    while seen.empty():
        if time.monotonic() > deadline:
            raise TimeoutError("the engine handed nobody over")
        await asyncio.gather(*await _put(producer, list(_marked(number, ground))))
        number += 1
        await asyncio.sleep(APART_S)


async def _send(ground: Ground, records: list[Record], rate: int, seen: Any) -> Sent:
    """Offer the load at its rate, in ticks, whatever becomes of it."""
    producer = AIOKafkaProducer(bootstrap_servers=ground.bootstrap, acks="all", max_batch_size=load.BATCH_BYTES)
    await producer.start()
    marked_per_s = min(MOST_MARKED_PER_S, rate * MARKED_SHARE)
    later: list[tuple[float, Record]] = []
    at: dict[str, float] = {}
    place, marked = 0, 0
    pending: set[asyncio.Future[Any]] = set()
    try:
        await _until_ready(producer, ground, seen)
        started = time.monotonic()
        while place < len(records):
            now = time.monotonic() - started
            upto = min(int(now * rate), len(records))
            batch, place = records[place:upto], upto
            while marked < now * marked_per_s:
                form, contact = _marked(marked, ground)
                batch.append(form)
                later.append((now + APART_S, contact))
                marked += 1
            while later and later[0][0] <= now:
                contact = later.pop(0)[1]
                batch.append(contact)
                at[contact.key.decode()] = time.monotonic()
            for sent in await _put(producer, batch):
                pending.add(sent)
                sent.add_done_callback(pending.discard)
            await asyncio.sleep(max(0.0, started + now + TICK_S - time.monotonic()))
        seconds = time.monotonic() - started
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
    return Sent(len(records), seconds, at)


async def _put(producer: AIOKafkaProducer, records: list[Record]) -> list[Any]:
    batches: dict[tuple[str, int], Any] = {}
    for topic, partition, key, value in records:
        batch = batches.get((topic, partition))
        if batch is None:
            batch = batches[topic, partition] = producer.create_batch()
        batch.append(key=key, value=value, timestamp=None)
    for batch in batches.values():
        batch.close()
    return [
        await producer.send_batch(batch, topic, partition=number) for (topic, number), batch in batches.items()
    ]


# --- the reader of handoffs, a process of its own


def _listen(bootstrap: str, topic: str, partitions: int, seen: Any) -> None:
    uvloop.run(_read(bootstrap, topic, partitions, seen))


async def _read(bootstrap: str, topic: str, partitions: int, seen: Any) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(tps)
    for tp in tps:
        consumer.seek(tp, 0)
    while True:
        for found in (await consumer.getmany(timeout_ms=1000)).values():
            now = time.monotonic()  # one clock for all processes of a machine
            for record in found:
                seen.put((record.key.decode(), now))


def _collect(seen: Any, wanted: set[str]) -> dict[str, float]:
    """When each lead was first seen by the reader."""
    arrived: dict[str, float] = {}
    deadline = time.monotonic() + PATIENCE_S
    while wanted - arrived.keys() and time.monotonic() < deadline:
        while not seen.empty():
            key, at = seen.get()
            arrived.setdefault(key, at)
        time.sleep(0.1)
    return arrived
