"""Keeps the read model in step with the topics, in a thread of its own: what is written there, and how far.

A file that is gone, damaged, or ahead of its topics is begun anew, also while it is being read.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams import log as topics_log
from streams import model_file, publication, topics
from streams.admin import Refused, Unreachable
from streams.console.store import INDEXES, Store
from streams.console.writer import READ, Notice, Writer
from streams.kafka_client import client_options
from streams.lane.fetch import LostPosition, Reader
from streams.scoring.model import Model
from streams.settings import Settings

log = logging.getLogger(__name__)

CLIENT_ID: Final = "leadstreams-console"
POLL_S: Final = 0.25
ROOM: Final = 32 << 20
RETRY_S: Final = 1.0
SLACK: Final = 10_000
"""Offsets that a position may be beyond the end: the embedded broker tells its last batch's first offset + 1."""
RENEW_ROWS: Final = 100
RENEW_EVERY_S: Final = 0.25
PRUNE_EVERY_S: Final = 600.0

Told = Callable[[list[Notice]], None]


class Feed:
    """Reads until it is stopped. `tell` hears of what is new, in this thread, once the beginning is over."""

    def __init__(self, settings: Settings, store: Store, model: Model, tell: Told) -> None:
        self._settings = settings
        self._store = store
        self._own = model
        self._tell = tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._main, name="console-feed", daemon=True)
        self.model = model
        self.partitions = 0
        self.ready = threading.Event()
        self.trouble: str | None = "starting"
        self.rebuilds = 0
        self.records = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended."""
        self._stop.set()
        self._thread.join()
        self._store.close()

    def _main(self) -> None:
        asyncio.run(self._keep_on())

    async def _keep_on(self) -> None:
        anew = False
        while not self._stop.is_set():
            try:
                await self._read(anew)
                anew = False
            except (LostPosition, sqlite3.DatabaseError, _Gone) as lost:
                log.warning("the read model is begun anew: %s", lost)
                anew = True
            except (KafkaError, OSError, Refused, Unreachable) as away:
                self._trouble(f"{type(away).__name__}: {away}")
            self.ready.clear()
            await asyncio.to_thread(self._stop.wait, RETRY_S if self.trouble else 0.0)

    def _trouble(self, what: str) -> None:
        if self.trouble != what:
            log.warning("the topics cannot be read: %s", what)
        self.trouble = what

    async def _read(self, anew: bool) -> None:
        """Until told to stop. Raises what ends a reading."""
        count = self.partitions = await asyncio.to_thread(topics_log.partitions, self._settings)
        self.model = await self._in_force(await publication.in_force(self._settings))
        connection = self._store.begin(anew=anew)
        self.rebuilds += 1
        try:
            consumer = AIOKafkaConsumer(
                **client_options(self._settings),
                client_id=CLIENT_ID,
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_wait_ms=100,
                max_partition_fetch_bytes=1 << 20,
            )
            try:
                await consumer.start()
                places = [TopicPartition(topic, number) for topic in READ for number in range(count)]
                consumer.assign(places)
                await self._follow(consumer, places, Writer(connection, self.model, count))
            finally:
                await consumer.stop()
        finally:
            connection.close()

    async def _follow(self, consumer: AIOKafkaConsumer, places: list[TopicPartition], writer: Writer) -> None:
        left = await self._seek(consumer, places, writer)
        reader, wanted = Reader(consumer), dict.fromkeys(places, 0)
        if not left:
            self._settle(writer)
        renewed, renew_at, prune_at = 0, time.monotonic(), time.monotonic() + PRUNE_EVERY_S
        self.trouble = None
        while not self._stop.is_set():
            batches = await reader.read(wanted, POLL_S, lambda: ROOM)
            if self._store.lost():
                raise _Gone("its file was removed")
            notices: list[Notice] = []
            if batches:
                writer.connection.execute("BEGIN")
                for batch in batches:
                    notices += writer.apply(batch.topic, batch.partition, batch.records, _now())
                    writer.reached(batch.topic, batch.partition, batch.next_offset)
                    self.records += len(batch.records)
                    tp = TopicPartition(batch.topic, batch.partition)
                    if tp in left and batch.next_offset >= left[tp]:
                        del left[tp]
                if not writer.bulk:
                    writer.count_accounts()
                writer.connection.execute("COMMIT")
                if writer.bulk and not left:
                    self._settle(writer)
                elif not writer.bulk:
                    if notices:
                        self._tell(notices)
                    if await self._changed(writer):
                        renewed = 0
            if writer.bulk:
                continue
            if time.monotonic() > renew_at:
                renewed = self._renew(writer, renewed)
                renew_at = time.monotonic() + RENEW_EVERY_S
            if time.monotonic() > prune_at:
                await self._prune(consumer, places, writer)
                prune_at = time.monotonic() + PRUNE_EVERY_S

    async def _seek(
        self, consumer: AIOKafkaConsumer, places: list[TopicPartition], writer: Writer
    ) -> dict[TopicPartition, int]:
        """Where the file left off, or the beginning; up to where each place has to be read before all is there."""
        firsts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        done = writer.progress()
        left: dict[TopicPartition, int] = {}
        for tp in places:
            position = max(done.get((tp.topic, tp.partition), 0), firsts[tp])
            if position > ends[tp] + SLACK:
                raise _Gone(f"{tp.topic} holds less than was read of it")
            consumer.seek(tp, position)
            if position < ends[tp]:
                left[tp] = ends[tp]
        return left

    def _settle(self, writer: Writer) -> None:
        """All that the topics held at the start is read."""
        writer.connection.executescript(INDEXES)
        writer.connection.execute("BEGIN")
        writer.count_accounts()
        writer.connection.execute("COMMIT")
        writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.bulk = False
        self.ready.set()

    def _renew(self, writer: Writer, after: int) -> int:
        writer.connection.execute("BEGIN")
        done = writer.renew(after, RENEW_ROWS, _now())
        writer.count_accounts()
        writer.connection.execute("COMMIT")
        return done or 0

    async def _prune(self, consumer: AIOKafkaConsumer, places: Iterable[TopicPartition], writer: Writer) -> None:
        firsts = await consumer.beginning_offsets(list(places))
        writer.connection.execute("BEGIN")
        for tp, first in firsts.items():
            if first:
                writer.prune(tp.topic, tp.partition, first)
        writer.connection.execute("COMMIT")

    async def _changed(self, writer: Writer) -> bool:
        """Whether another model came into force; everything is computed by it from now on."""
        models = writer.models()
        if not models or models[min(models)] == self.model.hash:
            return False
        found = await self._in_force(models)
        if found.hash == self.model.hash:
            return False
        self.model = writer.model = found
        return True

    async def _in_force(self, running: dict[int, str]) -> Model:
        """As the commands choose it: the first partition's, if it can be had; else that of the settings."""
        name = running[min(running)] if running else self._own.hash
        if name == self._own.hash:
            return self._own
        return await publication.find(self._settings, name) or self._own


class _Gone(Exception):
    """The file no longer is a copy of the topics."""


def _now() -> int:
    return time.time_ns() // 1_000_000


def own_model(settings: Settings) -> Model | str:
    """The model of the settings, or one line that says what is wrong with it."""
    found = model_file.load(settings.model, settings.pipeline)
    return found if isinstance(found, Model) else str(found[0])


def identity(settings: Settings, fingerprint: str) -> str:
    """What a read model is a copy of."""
    return f"{settings.pipeline} {settings.broker} {fingerprint} {','.join(READ)} {topics.LEAD_SCORES}"
