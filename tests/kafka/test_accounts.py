"""Colleagues on many partitions under kill -9: each handoff once, and each names those that came before it."""

import asyncio
import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from streams import admin, topics
from streams.follow_up.account import account_key
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.instant import rfc3339
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import read_committed, until
from tests.kafka.pipeline import SECRET, Worker, await_quiet, command
from tests.kafka.traffic import Progress, Written, write

PARTITIONS: Final = 4
COMPANIES: Final = 80
COLLEAGUES: Final = 6
VISITS: Final = 8
KILLS: Final = 6
PER_SECOND: Final = 300
MODEL: Final = "b2b"
NOW: Final = 1_793_620_800_000


def journeys() -> list[Written]:
    """Colleagues who look around, then ask for a demo; written in a mixed order, as of one afternoon."""
    rng, secret = random.Random(5), Secret(SECRET.encode())
    found: list[Written] = []
    for company in range(COMPANIES):
        for colleague in range(COLLEAGUES):
            who = f"person{colleague}@company{company}.example"
            key = lead_keys(who, None, None, secret)[0]
            acts: list[tuple[str, dict[str, Any]]] = [
                (topics.WEB_VISITS, {"type": "page_viewed", "url": "https://x.example/product"})
            ] * VISITS
            asked: dict[str, Any] = {
                "form_type": "demo",
                "form_id": "demo",
                "title": "CEO",
                "company": f"Company {company}",
            }
            asked |= {"employees": 500, "country": "JP", "industry": "software"}
            acts.append((topics.FORM_SUBMISSIONS, {"type": "form_submitted", **asked}))
            for number, (topic, fields) in enumerate(acts):
                event = {"event_id": f"{company}-{colleague}-{number}", "email": who, **fields}
                event |= {"occurred_at": rfc3339(NOW), "received_at": rfc3339(NOW), "source_kind": "webhook"}
                place = partition_of(key, PARTITIONS)
                found.append(Written(topic, place, key.encode(), msgspec.json.encode(event)))
    rng.shuffle(found)
    return found


@pytest.fixture
def workers(kafka: KafkaBroker, tmp_path: Path) -> Iterator[list[Worker]]:
    names = ("one", "two", "three")
    fleet = [Worker(kafka.bootstrap, name, tmp_path / f"{name}.log", model=MODEL) for name in names]
    yield fleet
    for worker in fleet:
        if worker.running:
            worker.kill()


def test_colleagues_on_all_partitions_know_of_each_other_under_kill_9(
    kafka: KafkaBroker, workers: list[Worker]
) -> None:
    settings = Settings(broker=kafka.bootstrap, partitions=PARTITIONS, secret=SECRET)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    for worker in workers:
        worker.start()
    until(lambda: all(worker.ready for worker in workers), 180, "the first assignment")
    rng, records, progress = random.Random(3), journeys(), Progress()
    sending = threading.Thread(
        target=lambda: asyncio.run(write(kafka.bootstrap, iter(records), PER_SECOND, progress))
    )
    sending.start()
    for fatal in sorted(rng.sample(range(len(records) // 20, len(records)), KILLS)):
        until(lambda fatal=fatal: progress.sent >= fatal, 240, f"record {fatal}")  # type: ignore[misc]
        victim = rng.choice(workers)
        victim.kill()
        victim.start()
    sending.join()
    await_quiet(workers, 240)
    given = read_committed(kafka.bootstrap, topics.SALES_HANDOFFS, PARTITIONS)
    told = [json.loads(record.value or b"")["data"] for record in given]
    by_company = defaultdict(list)
    for data in told:
        by_company[data["account_key"]].append(data)
    assert by_company.keys() == {account_key(f"company{company}.example") for company in range(COMPANIES)}
    assert Counter(data["handoff_id"] for data in told).most_common(1)[0][1] == 1
    for handoffs in by_company.values():
        lines = sorted(len((data["colleagues"] or "").splitlines()) for data in handoffs)
        assert lines == [0, 1, 2, 3, 3, 3], "each names those that came before it, three at most"
        assert all(data["colleagues_active_30d"] <= COLLEAGUES - 1 for data in handoffs)
    code, found = command(kafka.bootstrap, "replay", "--diff", model=MODEL)
    assert (code, found["differences"]) == (0, []), json.dumps(found["differences"][:8])
    for worker in workers:
        assert worker.stop() == 0
        assert worker.lines("ERROR") == []
