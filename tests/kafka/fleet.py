"""Workers as processes, a producer and a reader: what the tests of the lane on real brokers are made of."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from streams import topics
from streams.broker import free_port
from streams.lane.record import Record
from streams.lane.restore import LogReader
from tests.lane.counting import META, THRESHOLD, Counter

PARTITIONS: Final = 4
ROOT: Final = Path(__file__).resolve().parents[2]
EXIT_S: Final = 10.0


def until(condition: Callable[[], bool], patience_s: float, what: str = "it") -> None:
    """Poll until the condition holds; AssertionError after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {patience_s} s"
        time.sleep(0.1)


class Process:
    """One counting worker."""

    def __init__(
        self, bootstrap: str, pipeline: str, name: str, log: Path, sources: Iterable[str], **settings: str
    ):
        self.name = name
        self.log = log
        self.port = free_port()
        self._command = [sys.executable, "-m", "tests.kafka.counting_worker", *sources]
        own = {f"LEADSTREAMS_{key.upper()}": value for key, value in settings.items()}
        self._environment = {
            **os.environ,
            "LEADSTREAMS_BROKER": bootstrap,
            "LEADSTREAMS_PIPELINE": pipeline,
            "LEADSTREAMS_INSTANCE": name,
            "LEADSTREAMS_WORKER_PORT": str(self.port),
            "LEADSTREAMS_SESSION_TIMEOUT_S": "6",
            **own,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> "Process":
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**self._environment, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self._signal(signal.SIGKILL, 10)

    def stop(self) -> int:
        """SIGTERM; the exit code. Fails after ten seconds."""
        return self._signal(signal.SIGTERM, EXIT_S)

    def wait(self, patience_s: float) -> int:
        assert self._process is not None
        return self._process.wait(patience_s)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals, patience_s: float) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(patience_s)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; (0, "") while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    @property
    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    @property
    def reasons(self) -> str:
        body = self.get("/readyz")[1]
        return "; ".join(json.loads(body)["reasons"]) if body else ""

    def lines(self, level: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if f" {level} " in line]


class Fleet:
    """The counting workers of one pipeline on one broker, with topics made anew."""

    def __init__(
        self, bootstrap: str, pipeline: str, directory: Path, partitions: int = PARTITIONS, **settings: str
    ) -> None:
        self.bootstrap = bootstrap
        self.pipeline = pipeline
        self.partitions = partitions
        self.sent: Tally[bytes] = Tally()
        self._directory = directory
        self._settings = settings
        self._workers: list[Process] = []
        renew_topics(bootstrap, partitions)

    def worker(self, name: str, *sources: str, **settings: str) -> Process:
        log = self._directory / f"{name}.log"
        process = Process(self.bootstrap, self.pipeline, name, log, sources, **{**self._settings, **settings})
        self._workers.append(process)
        return process.start()

    def close(self) -> None:
        for worker in self._workers:
            if worker.running:
                worker.thaw()
                worker.kill()

    @contextmanager
    def producer(self, compression: str | None = "lz4") -> Iterator[KafkaProducer]:
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks="all",
            compression_type=compression,
            linger_ms=20,
            batch_size=1 << 16,
            delivery_timeout_ms=180_000,
            request_timeout_ms=10_000,
        )
        try:
            yield producer
        finally:
            producer.close()

    def send(self, count: int, *names: str, seed: int = 1, leads: int = 1_000) -> None:
        """`count` records to each topic, keys spread over the partitions."""
        chance = random.Random(seed)
        with self.producer() as producer:
            for _ in range(count):
                for topic in names:
                    number = chance.randrange(leads)
                    key = b"lead-%06d" % number
                    producer.send(topic, b"{}", key, partition=number % self.partitions)
                    self.sent[key] += 1
            producer.flush()

    def table(self) -> dict[bytes, Counter]:
        """The changelog, read from zero."""
        found: dict[bytes, Counter] = {}
        for record in read_committed(self.bootstrap, topics.LEAD_SCORES, self.partitions):
            if record.key != META and record.key is not None and record.value is not None:
                found[record.key] = msgspec.msgpack.decode(record.value, type=Counter)
        return found

    def applied(self) -> int:
        return sum(counter.n for counter in self.table().values())

    def handoffs(self) -> Tally[bytes]:
        found = read_committed(self.bootstrap, topics.SALES_HANDOFFS, self.partitions)
        return Tally(record.value for record in found if record.value is not None)

    def expected_handoffs(self) -> set[bytes]:
        return {
            b"%s:%d" % (key, n) for key, count in self.sent.items() for n in range(THRESHOLD, count + 1, THRESHOLD)
        }

    def wait_applied(self, patience_s: float) -> None:
        """Until all that was sent is in the changelog."""
        expected = sum(self.sent.values())
        deadline = time.monotonic() + patience_s
        while (applied := self.applied()) < expected:
            assert time.monotonic() < deadline, f"{applied} of {expected} applied after {patience_s} s"
            time.sleep(0.5)

    def assert_exact(self, repeats_allowed: bool = False) -> None:
        """Each record counted once, each handoff there, and there once (or byte for byte again)."""
        assert {key: counter.n for key, counter in self.table().items()} == dict(self.sent)
        expected = self.expected_handoffs()
        until(lambda: len(set(self.handoffs())) >= len(expected), 20, "sending the last handoffs")
        handoffs = self.handoffs()
        assert set(handoffs) == expected
        assert repeats_allowed or max(handoffs.values(), default=1) == 1

    def unexplained_errors(self) -> list[str]:
        return [line for worker in self._workers for line in worker.lines("ERROR")]


def renew_topics(bootstrap: str, partitions: int) -> None:
    """Delete the pipeline's topics and make them again, empty."""
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = {topic.name for topic in topics.ALL}
    try:
        there = names & set(client.list_topics())
        if there:
            client.delete_topics(list(there))
            until(lambda: not names & set(client.list_topics()), 20, "deleting the topics")
        new = [
            NewTopic(topic.name, 1 if topic.single_partition else partitions, 1, topic_configs=topic.config)
            for topic in topics.ALL
        ]
        client.create_topics(new)
        until(lambda: names <= set(client.list_topics()), 20, "making the topics")
    finally:
        client.close()


def read_committed(bootstrap: str, topic: str, partitions: int) -> list[Record]:
    """All committed records of a topic."""
    return asyncio.run(_read_committed(bootstrap, topic, partitions))


async def _read_committed(bootstrap: str, topic: str, partitions: int) -> list[Record]:
    found: list[Record] = []
    async with LogReader({"bootstrap_servers": bootstrap}, "test") as log:
        for number in range(partitions):
            async for records in log.read(topic, number):
                found.extend(records)
    return found
