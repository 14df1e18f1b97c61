"""Models are published while two workers are at it and die: one point in each partition's log, and nobody is
handed over by it."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from streams import model_file, topics, transition
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.instant import DAY, rfc3339
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import read_committed, renew_topics, until
from tests.kafka.pipeline import SECRET, Worker, await_quiet, command
from tests.kafka.traffic import Progress, Written, traffic, write

PARTITIONS: Final = 4
RECORDS: Final = 30_000
PEOPLE: Final = 1_500
PER_SECOND: Final = 3_000
KEYED: Final = Secret(SECRET.encode())


@pytest.fixture
def workers(lane_kafka: KafkaBroker, tmp_path: Path) -> Iterator[list[Worker]]:
    renew_topics(lane_kafka.bootstrap, PARTITIONS)
    fleet = [Worker(lane_kafka.bootstrap, name, tmp_path / f"{name}.log") for name in ("one", "two")]
    yield fleet
    for worker in fleet:
        if worker.running:
            worker.kill()


class Site:
    """The pipeline as seen from outside."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        self.bootstrap = bootstrap
        self._directory = directory

    def model(self, version: str, **values: str) -> str:
        """A file with the published model, other values in it: `sql="30"`, `mode="shadow"`."""
        text = (model_file.SHIPPED / "published.yaml").read_text()
        text = text.replace('version: "1"', f'version: "{version}"')
        text = text.replace("sql: {enter: 40", f"sql: {{enter: {values.get('sql', '40')}")
        text = text.replace("mode: live", f"mode: {values.get('mode', 'live')}")
        path = self._directory / f"published-{version}.yaml"
        path.write_text(text)
        return str(path)

    def publish(self, path: str) -> str:
        code, answer = command(self.bootstrap, "model", "publish", path, "--by", "the test")
        assert code == 0
        return str(answer["model"])

    def in_force(self) -> dict[str, list[int]]:
        code, rows = command(self.bootstrap, "model", "list")
        assert code == 0
        return {row["hash"]: row["in_force"] for row in rows if row["in_force"]}

    def handoffs(self, topic: str = topics.SALES_HANDOFFS) -> list[dict[str, Any]]:
        found = read_committed(self.bootstrap, topic, PARTITIONS)
        return [json.loads(record.value or b"")["data"] for record in found]

    def handed_over(self) -> tuple[int, int]:
        """How many live and how many in shadow."""
        return len(self.handoffs()), len(self.handoffs(topics.SALES_HANDOFFS_SHADOW))

    def transitions(self) -> list[transition.Transition]:
        found = read_committed(self.bootstrap, topics.LEAD_TRANSITIONS, PARTITIONS)
        return [told for record in found if (told := transition.decode(record.value or b"")) is not None]

    def reached_sales(self, model_id: str) -> set[str]:
        """The leads who became sales-qualified under this model."""
        return {one.lead_key for one in self.transitions() if one.model_id == model_id and one.to_stage == "sql"}

    def send(self, records: Iterator[Written]) -> None:
        asyncio.run(self._send(records))

    async def _send(self, records: Iterator[Written]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for record in records:
                await producer.send_and_wait(record.topic, record.value, record.key, record.partition)

    def replay(self) -> None:
        code, found = command(self.bootstrap, "replay", "--diff")
        assert (code, found["differences"]) == (0, []), json.dumps(found["differences"][:8])


def decided(name: str, people: int) -> Iterator[Written]:
    """People who talk with sales and read a whitepaper, now: 50 points."""
    for number in range(people):
        email = f"{name}{number}@example.com"
        [key] = lead_keys(email, None, None, KEYED)
        for topic, kind, more in (
            (topics.FORM_SUBMISSIONS, "form_submitted", {"form_type": "whitepaper"}),
            (topics.LEAD_ACTIVITIES, "sales_contacted", {"outcome": "connected"}),
        ):
            at = rfc3339(int(time.time() * 1000))
            event = {"event_id": f"{email}-{kind}", "type": kind, "occurred_at": at, "email": email, **more}
            yield Written(topic, partition_of(key, PARTITIONS), key.encode(), msgspec.json.encode(event))


def test_a_model_published_under_load_and_kill_9_takes_over_at_one_point_and_hands_nobody_over(
    lane_kafka: KafkaBroker, workers: list[Worker], tmp_path: Path
) -> None:
    site = Site(lane_kafka.bootstrap, tmp_path)
    for worker in workers:
        worker.start()
    until(lambda: all(worker.ready for worker in workers), 60, "the first assignment")
    start = int(time.time() * 1000) - 41 * DAY
    records = traffic(RECORDS, PEOPLE, PARTITIONS, 7, KEYED, start)
    sent = Progress()
    sending = threading.Thread(target=lambda: asyncio.run(write(lane_kafka.bootstrap, records, PER_SECOND, sent)))
    sending.start()
    until(lambda: sent.sent >= RECORDS // 3, 120, "a third of the load")
    workers[0].kill()
    easy = site.publish(site.model("easy", sql="30"))
    workers[0].start()
    until(lambda: sent.sent >= RECORDS * 2 // 3, 120, "two thirds of the load")
    workers[1].kill()
    workers[1].start()
    sending.join()
    await_quiet(workers)

    assert site.in_force() == {easy: [0, 1, 2, 3]}
    site.replay()
    told = site.transitions()
    assert len({one.model_id for one in told}) == 2
    handed = [one for one in told if one.handoff_id is not None and one.model_id == easy]
    assert handed
    assert all(one.cause != transition.TIME for one in handed)
    assert Counter(one["model_id"] for one in site.handoffs())[easy] == len(handed)
    assert len({one["handoff_id"] for one in site.handoffs()}) == len(site.handoffs())

    # Alone, without any event: a model under which hundreds qualify.
    before = len(site.handoffs()), len(site.transitions())
    easiest = site.publish(site.model("easiest", sql="20"))
    until(lambda: site.in_force() == {easiest: [0, 1, 2, 3]}, 60, "the next model")
    await_quiet(workers)
    assert (len(site.handoffs()), len(site.transitions())) == before
    assert site.handoffs(topics.SALES_HANDOFFS_SHADOW) == []

    # To shadow, and live again.
    for mode, live, shadow in (("shadow", 0, 20), ("off", 0, 0), ("live", 20, 0)):
        found = site.handed_over()
        name = site.publish(site.model(f"then-{mode}", mode=mode))
        until(lambda name=name: site.in_force() == {name: [0, 1, 2, 3]}, 60, mode)  # type: ignore[misc]
        site.send(decided(mode, 20))
        until(lambda name=name: len(site.reached_sales(name)) == 20, 60, "the moves")  # type: ignore[misc]
        expected = found[0] + live, found[1] + shadow
        until(lambda expected=expected: site.handed_over() >= expected, 60, "the handoffs")  # type: ignore[misc]
        await_quiet(workers)
        assert site.handed_over() == expected
    site.replay()
    for worker in workers:
        assert worker.stop() == 0
        assert worker.lines("ERROR") == []
