"""The whole pipeline at least once, on the embedded broker: workers die between flushes and within them.

What may differ from exactly once: records are repeated, byte for byte. What may not: a lead, a handoff's id.
"""

import asyncio
import json
import random
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from streams import admin, log, topics
from streams.broker import EmbeddedBroker
from streams.identity.keys import Secret
from streams.settings import Settings
from tests.kafka.fleet import read_committed, until
from tests.kafka.pipeline import SECRET, Worker, command, quiet
from tests.kafka.traffic import traffic, write

pytestmark = pytest.mark.embedded
PARTITIONS: Final = 4
RECORDS: Final = 20_000
PEOPLE: Final = 800
PER_SECOND: Final = 800
KILLS: Final = 4
DELIVERY: Final = "at-least-once"


@pytest.fixture
def workers(own_embedded: EmbeddedBroker, tmp_path: Path) -> Iterator[list[Worker]]:
    program = (sys.executable, "-m", "tests.kafka.scoring_worker")
    fleet = [
        Worker(own_embedded.bootstrap, name, tmp_path / f"{name}.log", program, delivery=DELIVERY)
        for name in ("one", "two")
    ]
    yield fleet
    for worker in fleet:
        if worker.running:
            worker.kill()


def applied(settings: Settings) -> int:
    """Records of the input topics that the table vouches for."""

    async def count() -> int:
        async with log.opened(settings) as reader:
            parts = [await log.stored(reader, number, wanted=()) for number in range(PARTITIONS)]
        reached = [part.progress.offsets for part in parts if part.progress is not None]
        return sum(offsets.get(topic, 0) for offsets in reached for topic in topics.INPUTS)

    return log.run(count())


def handoffs(bootstrap: str) -> dict[str, set[tuple[object, ...]]]:
    """What sales was told under each id: a repeat that differs is a second element."""
    found: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for record in read_committed(bootstrap, topics.SALES_HANDOFFS, PARTITIONS):
        name = dict(record.headers)["handoff-id"].decode()
        found[name].add((record.partition, record.key, record.value, tuple(record.headers)))
    return found


def die(worker: Worker, sending: threading.Thread, rng: random.Random) -> bool:
    """By a signal at any moment, or within a flush before one of its sends; whether within a flush."""
    worker.kill()
    within = False
    if rng.random() < 0.5:
        worker.start(CRASH_AT_SEND=str(rng.randint(1, 40)))
        until(lambda: not (worker.running and sending.is_alive()), 60, "the crash")
        within = not worker.running
        worker.kill()
    worker.start()
    return within


def test_at_least_once_every_event_counts_once_and_no_handoff_differs_under_kill_9(
    own_embedded: EmbeddedBroker, workers: list[Worker]
) -> None:
    bootstrap = own_embedded.bootstrap
    settings = Settings(broker=bootstrap, partitions=PARTITIONS, secret=SECRET, delivery=DELIVERY)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    rng = random.Random(7)
    for worker in workers:
        worker.start()
    records = traffic(RECORDS, PEOPLE, PARTITIONS, 5, Secret(SECRET.encode()))
    sending = threading.Thread(target=lambda: asyncio.run(write(bootstrap, records, PER_SECOND)))
    sending.start()
    kills = within = 0
    while sending.is_alive():
        within += die(rng.choice(workers), sending, rng)
        kills += 1
    assert (kills >= KILLS, within >= 1) == (True, True), (kills, within)
    until(lambda: quiet(workers) and applied(settings) == RECORDS, 60, "the end of the backlog")
    until(lambda: quiet(workers), 10)

    code, found = command(bootstrap, "replay", "--diff", delivery=DELIVERY)
    assert (code, found["differences"]) == (0, []), json.dumps(found["differences"][:8])
    sold = handoffs(bootstrap)
    assert sorted(sold) == found["handoffs"]
    assert [name for name, copies in sold.items() if len(copies) > 1] == []
    for worker in workers:
        assert worker.stop() == 0
        assert worker.lines("ERROR") == []
