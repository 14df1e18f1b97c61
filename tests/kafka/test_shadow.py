"""A shadow on real Kafka under kill -9: what it told is what its own order of the log gives, each once."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from streams import admin, log, model_file, order, topics, transition
from streams.identity.keys import Secret
from streams.lane.restore import LogReader
from streams.scoring.model import Model
from streams.settings import Settings
from streams.shadow import OWN, SOURCES, Shadow
from streams.shard import Terms
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import until
from tests.kafka.pipeline import MODEL, PROGRAM, SECRET, Worker, await_quiet
from tests.kafka.traffic import Progress, Written, traffic, write

PARTITIONS: Final = 2
PIPELINE: Final = "crash"
RECORDS: Final = 30_000
KILLED_AT: Final = (0.1, 0.3, 0.5, 0.7)


class ShadowWorker(Worker):
    """`leadstreams shadow`; its metrics have names of their own."""

    def get(self, path: str) -> tuple[int, str]:
        status, body = super().get(path)
        assert "leadstreams_lag_records" not in body
        return status, body.replace("leadstreams_shadow_", "leadstreams_")


@pytest.fixture
def workers(lane_kafka: KafkaBroker, tmp_path: Path) -> Iterator[list[ShadowWorker]]:
    command = (str(PROGRAM), "shadow", MODEL)
    fleet = [ShadowWorker(lane_kafka.bootstrap, n, tmp_path / f"{n}.log", command) for n in ("one", "two")]
    yield fleet
    for worker in fleet:
        if worker.running:
            worker.kill()


def test_what_a_shadow_told_under_kill_9_is_what_its_log_gives_once(
    lane_kafka: KafkaBroker, workers: list[ShadowWorker]
) -> None:
    settings = Settings(broker=lane_kafka.bootstrap, partitions=PARTITIONS, secret=SECRET, pipeline=PIPELINE)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    records = traffic(RECORDS, 3_000, PARTITIONS, 7, Secret(SECRET.encode()))
    for worker in workers:
        worker.start()
    until(lambda: all(worker.ready for worker in workers), 60, "the first assignment")
    _write_and_kill(lane_kafka, records, workers)
    await_quiet([*workers], 300)
    for worker in workers:
        assert worker.stop() == 0
        assert worker.lines("ERROR") == []
    told = log.run(_compared(settings))
    assert len(set(told)) > 1_000


def _write_and_kill(kafka: KafkaBroker, records: Iterator[Written], workers: list[ShadowWorker]) -> None:
    progress = Progress()
    sending = threading.Thread(target=lambda: asyncio.run(write(kafka.bootstrap, records, 8_000, progress)))
    sending.start()
    for turn, share in enumerate(KILLED_AT):
        until(lambda share=share: progress.sent >= share * RECORDS, 60, f"{share:.0%}")  # type: ignore[misc]
        workers[turn % 2].kill()
        workers[turn % 2].start()
    sending.join()
    assert progress.sent == RECORDS


async def _compared(settings: Settings) -> list[str]:
    """Every id told, after each partition was found to be what a fresh core makes of its recorded order."""
    ids: list[str] = []
    async with log.opened(settings) as reader:
        parts = [await _part(reader, number) for number in range(PARTITIONS)]
        for number, (table, given) in enumerate(parts):
            found = await _stored(reader, number)
            assert found == table
            values = [r.value or b"" async for b in reader.read(topics.LEAD_TRANSITIONS_SHADOW, number) for r in b]
            assert sorted(values) == sorted(given)
            ids += [one.id for value in values if (one := transition.decode(value)) is not None]
            assert (await reader.bounds(topics.LEAD_TRANSITIONS, number))[1] == 0
            assert (await reader.bounds(topics.SALES_HANDOFFS, number))[1] == 0
    return ids


async def _part(reader: LogReader, number: int) -> tuple[dict[str, bytes], list[bytes]]:
    """The table and the transitions that the recorded order of a partition gives."""
    model = model_file.load(MODEL, PIPELINE)
    assert isinstance(model, Model)
    shard = Shadow(number, PARTITIONS, Terms(model, Secret(SECRET.encode()), reject_share=1.0))
    given: list[bytes] = []
    rest = {topic: deque([r async for b in reader.read(topic, number) for r in b]) for topic in SOURCES}
    async for batch in reader.read(topics.LEAD_ORDER_SHADOW, number):
        for run in (run for record in batch for run in order.decode(record.value or b"")):
            waiting, due = rest[run.topic], []
            while waiting and waiting[0].offset < run.following:
                due.append(waiting.popleft())
            assert due
            assert due[0].offset >= run.first
            shard.apply(run.topic, due)
        changes = shard.take()
        shard.confirm()
        given += [e.value or b"" for e in changes.effects if e.topic == topics.LEAD_TRANSITIONS_SHADOW]
    assert not any(rest.values())
    return shard.table.dump(), given


async def _stored(reader: LogReader, number: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    async for batch in reader.read(OWN.table, number):
        for record in batch:
            key = (record.key or b"").decode()
            if record.value is None:
                found.pop(key, None)
            elif key not in ("meta", "model", "first-model"):
                found[key] = record.value
    return found
