"""Where engines are compared: a broker on a core of its own, and one log of events that all of them read."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from benchmarks import load, machine
from streams import admin, log, pipeline, topics
from streams.identity.keys import Secret
from streams.replay import pipeline as replay
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker

SECRET: Final = "a-secret-for-benchmarks-only"
SEED: Final = 7
EVENTS: Final = (topics.WEB_VISITS, topics.EMAIL_ENGAGEMENT, topics.FORM_SUBMISSIONS, topics.LEAD_ACTIVITIES)
"""The topics that the load fills."""
CREATED_S: Final = 30.0


class Oracle(NamedTuple):
    """What the log must lead to: ids of handoffs, and in what the live pipeline differed from its replay."""

    handoffs: frozenset[str]
    differences: int


class Ground:
    """One broker with one log. Use as a context manager."""

    def __init__(self, directory: Path, events: int, leads: int, partitions: int, repeats: float = 0.0) -> None:
        self.events = events
        self.leads = leads
        self.partitions = partitions
        self.bytes_per_event = 0
        self.loaded_per_s = 0.0
        self._repeats = repeats
        self._broker = KafkaBroker(directory)

    def __enter__(self) -> "Ground":
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics have no leader for a moment
        self._broker.start()
        try:
            machine.pin(self._broker.pid, machine.BROKER_CORE)
            with admin.connect(self.settings()) as client:
                admin.create(client, self.settings())
        except BaseException:
            self._broker.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.kill()

    def fill(self) -> None:
        """Write the log."""
        started = time.monotonic()
        secret = Secret(SECRET.encode())
        size = asyncio.run(
            load.write(self.bootstrap, self.events, self.leads, SEED, self.partitions, secret, self._repeats)
        )
        self.loaded_per_s = self.events / (time.monotonic() - started)
        self.bytes_per_event = round(size / self.events)

    @property
    def bootstrap(self) -> str:
        return self._broker.bootstrap

    def settings(self, model: str = "published") -> Settings:
        return Settings(broker=self.bootstrap, partitions=self.partitions, secret=SECRET, model=model)

    # --- topics

    def renew_pipeline(self) -> None:
        """Our own topics but for the log, and our group's progress: as on the first day."""
        own = [topic.name for topic in topics.ALL if topic.name not in EVENTS]
        with admin.connect(self.settings()) as client:
            self._forget(client, own, self.settings().pipeline)
            admin.create(client, self.settings())

    def create(self, name: str) -> None:
        """One more topic with as many partitions as all."""
        with admin.connect(self.settings()) as client:
            client.create_topics({name: {"num_partitions": self.partitions, "replication_factor": 1}})
            client.wait_for_topics([name])

    def forget(self, group: str) -> None:
        """Every topic that an engine made under the name of its group, and the group."""
        with admin.connect(self.settings()) as client:
            self._forget(client, [name for name in client.list_topics() if group in name], group)

    def _forget(self, client: KafkaAdminClient, names: list[str], group: str) -> None:
        there = [name for name in client.list_topics() if name in set(names)]
        if there:
            client.delete_topics(there)
        deadline = time.monotonic() + CREATED_S
        while set(client.list_topics()) & set(there) and time.monotonic() < deadline:
            time.sleep(0.1)
        while time.monotonic() < deadline:
            try:
                client.delete_groups([group])
                return
            except KafkaError as refused:  # a member that was killed counts until its session is over
                if "NonEmpty" not in type(refused).__name__:
                    return
                time.sleep(0.5)

    # --- what came out

    def read_keys(self, topic: str) -> Counter[str]:
        """How often each key stands in a topic, as a reader of committed records sees it."""

        async def read() -> Counter[str]:
            found: Counter[str] = Counter()
            async with log.opened(self.settings()) as reader:
                for number in range(self.partitions):
                    async for batch in reader.read(topic, number):
                        found.update((record.key or b"").decode() for record in batch)
            return found

        return log.run(read())

    def oracle(self, model: str) -> Oracle:
        """The replay of this log, in the order in which our own worker just applied it."""
        settings = self.settings(model)
        result = replay.run(settings, True, lambda total: None, lambda records: None)
        return Oracle(frozenset(result.handoffs), len(result.differences))

    def handoff_ids(self, keys: Iterable[str], model: str) -> frozenset[str]:
        """The id of each lead's first handoff, as our pipeline names it."""
        compiled = pipeline.terms(self.settings(model)).model
        return frozenset(compiled.handoff_id(key, 1) for key in keys)
