"""Replay on Apache Kafka: the live table and the topics are what the core gives, though a worker was killed; and a
retention that took the log's beginning is said."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.structs import TopicPartition
from pydantic import SecretStr

from streams import topics
from streams.broker import free_port
from streams.replay import pipeline as replay
from streams.scoring.instant import HOUR, MINUTE
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import renew_topics, until
from tests.replay.recorded import document

COMMAND = (sys.executable, "-c", "from streams.cli import main; main()")
PARTITIONS = 2
EVENTS = 4_000


class Pipeline:
    """Topics made anew, the real command as worker, and its settings."""

    def __init__(self, broker: KafkaBroker, directory: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
        self.environment = {
            **kept,
            "LEADSTREAMS_BROKER": broker.bootstrap,
            "LEADSTREAMS_SECRET": "a secret for tests",
            "LEADSTREAMS_MODEL": "published",
            "LEADSTREAMS_PARTITIONS": str(PARTITIONS),
            "LEADSTREAMS_SESSION_TIMEOUT_S": "6",
            "LEADSTREAMS_INSTANCE": "one",
            "LEADSTREAMS_CONFIG": str(directory / "absent.toml"),
            "LEADSTREAMS_PIPELINE": f"replay-{free_port()}",
        }
        self.bootstrap = broker.bootstrap
        self.settings = Settings(
            broker=broker.bootstrap,
            secret=SecretStr("a secret for tests"),
            model="published",
            partitions=PARTITIONS,
            pipeline=self.environment["LEADSTREAMS_PIPELINE"],
        )
        self._log = directory / "worker.log"
        self.worker: subprocess.Popen[bytes] | None = None
        renew_topics(broker.bootstrap, PARTITIONS)

    def start(self) -> None:
        own = {"LEADSTREAMS_WORKER_PORT": str(free_port())}
        with self._log.open("ab") as output:
            self.worker = subprocess.Popen(
                [*COMMAND, "worker"], env={**self.environment, **own}, stdout=output, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait(10)

    def replay(self) -> replay.Result:
        """In this process: a new one takes seconds to start."""
        return replay.run(self.settings, diff=True, started=lambda total: None, advance=lambda records: None)

    def command(self) -> tuple[int, dict[str, Any], str]:
        """As a user calls it: exit code, answer, errors."""
        done = subprocess.run(
            [*COMMAND, "replay", "--diff", "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture
def pipeline(lane_kafka: KafkaBroker, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(lane_kafka, tmp_path)
    yield made
    made.kill()


def send(bootstrap: str, count: int, seed: int) -> None:
    """Events of a few hundred people, in disorder, to any partition."""
    chance = random.Random(seed)
    now = int(time.time() * 1000)
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20)
    for number in range(count):
        person = chance.randrange(300)
        who, device = {"email": f"p{person}@example.com"}, {"anonymous_id": f"device-{person}"}
        topic, kind, more = chance.choice(
            (
                (topics.WEB_VISITS, "page_viewed", device),
                (topics.WEB_VISITS, "page_viewed", device),
                (topics.EMAIL_ENGAGEMENT, "email_opened", who),
                (topics.FORM_SUBMISSIONS, "form_submitted", {**who, **device, "form_type": "whitepaper"}),
                (topics.LEAD_ACTIVITIES, "sales_contacted", who),
                (topics.SALES_FEEDBACK, "handoff_rejected", {**who, "reason": "timing"}),
            )
        )
        at = now - chance.choice((0, MINUTE, HOUR))
        value = document(kind, f"{seed}-{number}", at, **more)
        producer.send(topic, value, partition=person % PARTITIONS if number % 5 else chance.randrange(PARTITIONS))
    producer.close()


def test_a_pipeline_whose_worker_was_killed_is_what_the_core_gives(pipeline: Pipeline) -> None:
    send(pipeline.bootstrap, EVENTS // 2, 1)
    pipeline.start()
    until(lambda: pipeline.replay().events > 0, 40, "the first commit")
    send(pipeline.bootstrap, EVENTS // 2, 2)
    pipeline.kill()
    pipeline.start()

    def done() -> bool:
        found = pipeline.replay()
        assert found.differences == []  # at any time, while the worker is at it
        return found.events > EVENTS

    until(done, 60, "all that was sent")
    code, answer, said = pipeline.command()
    assert (code, answer["differences"]) == (0, []), said
    assert len(answer["handoffs"]) > 50

    producer = KafkaProducer(bootstrap_servers=pipeline.bootstrap, acks="all")
    producer.send(topics.SALES_HANDOFFS, b"{}", headers=[("handoff-id", b"ho-strange")], partition=0)
    producer.close()
    found = pipeline.replay()
    assert [difference.about for difference in found.differences] == ["ho-strange"]


def test_a_log_without_its_beginning_is_one_clear_line(pipeline: Pipeline) -> None:
    send(pipeline.bootstrap, 200, 3)
    pipeline.start()
    until(lambda: pipeline.replay().events >= 200, 40, "all that was sent")
    client = KafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    try:
        client.delete_records({TopicPartition(topics.WEB_VISITS, 1): 5})
    finally:
        client.close()
    code, _, said = pipeline.command()
    assert code == 1
    assert said.startswith("error: web-visits[1] begins at offset 5: what was before it is no longer kept")
    assert said.count("\n") == 1
