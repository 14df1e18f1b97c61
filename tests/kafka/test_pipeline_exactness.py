"""The whole pipeline under kill -9: three workers, every topic, people with all their identities."""

import asyncio
import json
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from streams import admin
from streams.identity.keys import Secret
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import until
from tests.kafka.pipeline import SECRET, Worker, await_quiet, command
from tests.kafka.traffic import Progress, traffic, write

PARTITIONS: Final = 4
RECORDS: Final = int(os.environ.get("LEADSTREAMS_CRASH_EVENTS", "300000"))
PEOPLE: Final = 6_000
KILLS: Final = 12
PER_SECOND: Final = 6_000


@pytest.fixture
def workers(lane_kafka: KafkaBroker, tmp_path: Path) -> Iterator[list[Worker]]:
    names = ("one", "two", "three")
    fleet = [Worker(lane_kafka.bootstrap, name, tmp_path / f"{name}.log") for name in names]
    yield fleet
    for worker in fleet:
        if worker.running:
            worker.kill()


def test_every_event_counts_once_and_each_handoff_is_sent_once_under_kill_9(
    lane_kafka: KafkaBroker, workers: list[Worker]
) -> None:
    bootstrap = lane_kafka.bootstrap
    settings = Settings(broker=bootstrap, partitions=PARTITIONS, secret=SECRET)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    rng = random.Random(11)
    for worker in workers:
        worker.start()
    until(lambda: all(worker.ready for worker in workers), 60, "the first assignment")
    records = traffic(RECORDS, PEOPLE, PARTITIONS, 5, Secret(SECRET.encode()))
    progress = Progress()
    sending = threading.Thread(target=lambda: asyncio.run(write(bootstrap, records, PER_SECOND, progress)))
    sending.start()
    for fatal in sorted(rng.sample(range(RECORDS // 30, RECORDS), KILLS)):
        until(lambda fatal=fatal: progress.sent >= fatal, 120, f"record {fatal}")  # type: ignore[misc]
        victim = rng.choice(workers)
        victim.kill()
        victim.start()
    sending.join()
    assert progress.sent == RECORDS
    await_quiet(workers)
    code, found = command(bootstrap, "replay", "--diff")
    assert (code, found["differences"]) == (0, []), json.dumps(found["differences"][:8])
    for worker in workers:
        assert worker.stop() == 0
        assert worker.lines("ERROR") == []
