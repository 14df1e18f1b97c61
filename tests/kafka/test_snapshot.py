"""Snapshot and rebuild on Apache Kafka: the log's beginning is gone, the table is damaged, workers come back."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.structs import TopicPartition

from streams import log, progress, rebuild, topics
from streams.admin import Refused
from streams.replay import pipeline as replay
from streams.replay.pipeline import Failed
from streams.snapshot.taking import take
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import until
from tests.kafka.test_replay import COMMAND, EVENTS, PARTITIONS, Pipeline, send


@pytest.fixture
def pipeline(lane_kafka: KafkaBroker, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(lane_kafka, tmp_path)
    yield made
    made.kill()


def compared(pipeline: Pipeline, file: Path) -> replay.Result:
    return replay.run(pipeline.settings, True, lambda total: None, lambda records: None, file)


def rebuilt(pipeline: Pipeline, file: Path | None, write: bool = True) -> rebuild.Result:
    return rebuild.run(pipeline.settings, file, write, lambda records: None)


def command(pipeline: Pipeline, *words: str) -> tuple[int, Any, str]:
    done = subprocess.run(
        [*COMMAND, *words, "--json"], env=pipeline.environment, capture_output=True, text=True, timeout=90
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def forget(pipeline: Pipeline) -> None:
    """Retention takes the first half of what was applied, of every input and of the order."""
    client = KafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    try:
        applied = log.run(log.newest_progress(pipeline.settings))
        client.delete_records(
            {
                TopicPartition(topic, number): at.offsets[topic]
                for number, at in applied.items()
                for topic in topics.INPUTS
                if at.offsets.get(topic)
            }
        )
    finally:
        client.close()


def damage(pipeline: Pipeline) -> None:
    """One lead stands in another's place."""

    async def leads() -> list[tuple[str, bytes]]:
        async with log.opened(pipeline.settings) as reader:
            return list((await log.stored(reader, 0)).records.items())

    (first, _), (_, value) = log.run(leads())[:2]
    producer = KafkaProducer(bootstrap_servers=pipeline.bootstrap, acks="all")
    meta = progress.encode(log.run(log.newest_progress(pipeline.settings))[0])
    producer.send(topics.LEAD_SCORES, value, key=first.encode(), partition=0)
    producer.send(topics.LEAD_SCORES, meta, key=progress.KEY, partition=0)
    producer.close()


def test_past_retention_a_snapshot_is_the_beginning(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "leads.snapshot"
    send(pipeline.bootstrap, EVENTS // 2, 1)
    pipeline.start()
    until(lambda: pipeline.replay().events > EVENTS // 4, 60, "half of the work")
    take(pipeline.settings, file, lambda records: None)  # amid transactions
    assert compared(pipeline, file).differences == []
    until(lambda: pipeline.replay().events >= EVENTS // 2, 60, "all of it")
    take(pipeline.settings, file, lambda records: None)
    forget(pipeline)
    send(pipeline.bootstrap, EVENTS // 2, 2)

    def done() -> bool:
        found = compared(pipeline, file)
        assert found.differences == []  # at any time, while the worker is at it
        return found.events >= EVENTS // 2

    until(done, 60, "all that was sent since")
    with pytest.raises(Failed, match="use --from-snapshot"):
        pipeline.replay()
    code, answer, said = command(pipeline, "replay", "--diff", "--from-snapshot", str(file))
    assert (code, answer["differences"]) == (0, []), said
    assert len(answer["handoffs"]) > 20

    producer = KafkaProducer(bootstrap_servers=pipeline.bootstrap, acks="all")
    producer.send(topics.SALES_HANDOFFS, b"{}", headers=[("handoff-id", b"ho-strange")], partition=0)
    producer.close()
    assert [found.about for found in compared(pipeline, file).differences] == ["ho-strange"]

    with pytest.raises(Refused, match=r"1 worker of .* in the group: stop all of them first"):
        rebuild.run(pipeline.settings.model_copy(update={"session_timeout_s": 3.0}), file, True, lambda n: None)


def test_a_rebuild_from_a_snapshot_mends_the_table_and_workers_go_on(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "leads.snapshot"
    send(pipeline.bootstrap, EVENTS // 4, 3)
    pipeline.start()
    until(lambda: pipeline.replay().events >= EVENTS // 4, 60, "all that was sent")
    take(pipeline.settings, file, lambda records: None)
    forget(pipeline)
    send(pipeline.bootstrap, EVENTS // 4, 4)
    until(lambda: compared(pipeline, file).events >= EVENTS // 4, 60, "all that was sent since")
    pipeline.kill()
    damage(pipeline)
    assert len(compared(pipeline, file).differences) == 1
    assert rebuilt(pipeline, file, write=False).changed == 1
    assert len(compared(pipeline, file).differences) == 1
    result = rebuilt(pipeline, file)
    assert (result.partitions, result.changed, result.added, result.removed) == (PARTITIONS, 1, 0, 0)
    assert (result.never_sent, result.not_given) == ([], [])
    assert compared(pipeline, file).differences == []

    before = compared(pipeline, file).events
    send(pipeline.bootstrap, 200, 5)
    pipeline.start()
    until(lambda: compared(pipeline, file).events >= before + 200, 60, "what came after the rebuild")
    assert compared(pipeline, file).differences == []


def test_a_rebuild_that_is_cut_short_changes_nothing(pipeline: Pipeline, tmp_path: Path) -> None:
    send(pipeline.bootstrap, 300, 6)
    pipeline.start()
    until(lambda: pipeline.replay().events >= 300, 60, "all that was sent")
    pipeline.kill()
    damage(pipeline)
    put = rebuild.Generation._put

    async def dying(generation: rebuild.Generation, producer: Any, key: bytes, *rest: Any) -> None:
        if key == progress.KEY:
            raise KeyboardInterrupt
        await put(generation, producer, key, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuild.Generation, "_put", dying)
        with pytest.raises(KeyboardInterrupt):
            rebuilt(pipeline, None)
    assert len(pipeline.replay().differences) == 1
    assert rebuilt(pipeline, None).changed == 1
    assert pipeline.replay().differences == []
