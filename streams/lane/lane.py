"""The lane: carries raw records between Kafka and the pure partitions, exactly once (docs/architecture.md)."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import uvloop
from aiokafka.errors import KafkaError
from faust.types import TP

from streams import metrics
from streams.changes import Partition
from streams.kafka_client import client_options
from streams.lane.assignor import Assignor, owned
from streams.lane.fetch import LostPosition
from streams.lane.record import Batch
from streams.lane.tally import report_held
from streams.lane.tenure import Tenure
from streams.lane.transaction import OrderedWriter, TransactionWriter, Writer
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.lane.driver import ConsumerThread

log = logging.getLogger(__name__)

MakePartition = Callable[[int, int], Partition]
"""Makes the pure partition from its number and the number of partitions."""

MAX_QUEUED: Final = 2
MAX_BUFFERED_BYTES: Final = 64 << 20
CONCURRENT_RESTORES: Final = 8
LOOK_S: Final = 1.0
SETTLE_S: Final = 5.0
QUIET_S: Final = 30.0


class Lane:
    """All partitions of a worker. Methods run on the main event loop; the consumer's thread reads `wanted`."""

    def __init__(
        self, settings: Settings, make_partition: MakePartition, sources: Iterable[str], partitions: int
    ) -> None:
        self.settings = settings
        self.make_partition = make_partition
        self.sources = tuple(sources)
        self.partitions = partitions
        self.client_options: dict[str, Any] = client_options(settings)
        self.exactly_once = settings.delivery == "exactly-once"
        self.flush_s = settings.flush_ms / 1000
        self.assignor = Assignor(settings.instance or "")
        self.tenures: dict[int, Tenure] = {}
        self.wanted: dict[TP, int] = {}
        self.buffered = 0
        self.stable = asyncio.Event()
        self.generation = -1
        self.restoring = asyncio.Semaphore(CONCURRENT_RESTORES)
        self.failed = asyncio.Event()
        self.failure = ""
        self.broker_up = False
        self._epochs = itertools.count(1)
        self._thread: ConsumerThread | None = None
        self._spoke: dict[str, float] = {}

    # --- what the driver asks

    @property
    def thread(self) -> "ConsumerThread":
        assert self._thread is not None, "the consumer has not started"
        return self._thread

    @staticmethod
    def new_loop() -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop

    def room(self) -> int:
        """Bytes that may still be read."""
        return MAX_BUFFERED_BYTES - self.buffered

    def received(self, batch: Batch) -> bool:
        """A batch has come; whether an agent shall have it."""
        tenure = self.tenures.get(batch.partition)
        if tenure is None or tenure.epoch != batch.epoch:
            return False
        at = tenure.positions[batch.topic]
        at.read_to = batch.next_offset
        at.end = max(at.end, batch.end)
        if not batch.records:
            return False
        at.queued += 1
        at.queued_bytes += batch.size
        self.buffered += batch.size
        self.set_wanted(tenure)
        return True

    def lost_position(self, error: LostPosition) -> None:
        """Reading cannot go on, and starting elsewhere would lose records."""
        self.fail(f"{error}; see the runbook: lost records")

    # --- what the agents ask

    def apply(self, batch: Batch) -> None:
        """Apply a batch to its partition; whatever goes wrong, nothing is acknowledged that was not applied."""
        tenure = self.tenures.get(batch.partition)
        if tenure is not None:
            tenure.apply(batch)

    # --- what the process asks

    def open_partition(self, number: int) -> Partition | None:
        """The state of a partition that is ours as far as we know: not while it is restored, a rebalance goes on
        or the broker does not answer."""
        tenure = self.tenures.get(number)
        return tenure.partition if tenure is not None and tenure.epoch and self.broker_up else None

    # --- what the tenures ask

    def next_epoch(self) -> int:
        return next(self._epochs)

    def new_writer(self, number: int) -> Writer:
        if self.exactly_once:
            return TransactionWriter(self.client_options, self.settings.pipeline, number)
        return OrderedWriter(self.client_options, self.settings.pipeline, number, self._commit_group)

    async def _commit_group(self, offsets: Any) -> None:
        await self.thread.commit_group(offsets)

    def set_wanted(self, tenure: Tenure) -> None:
        """Say which of its topics may be read now."""
        readable = tenure.readable
        woken = False
        for topic, at in tenure.positions.items():
            tp = TP(topic, tenure.number)
            if readable and not at.halted and at.queued < MAX_QUEUED:
                if self.wanted.get(tp) != tenure.epoch:
                    self.wanted[tp] = tenure.epoch
                    woken = True
            else:
                self.wanted.pop(tp, None)
        if woken and self._thread is not None:
            self._thread.reader.wake()

    def troubled(self, who: str, error: Exception) -> None:
        """Something that passes by itself: one line each half minute, not one per attempt."""
        now = time.monotonic()
        if now - self._spoke.get(who, -QUIET_S) >= QUIET_S:
            self._spoke[who] = now
            log.warning("%s: %s; trying again", who, " ".join([type(error).__name__, str(error)]).strip())

    def fail(self, message: str) -> None:
        """Stop the worker: an operator is needed."""
        if not self.failed.is_set():
            log.error("%s", message)
            self.failure = message
            self.stable.clear()  # nobody starts anew
            self.failed.set()

    # --- what Faust tells

    async def revoked(self) -> None:
        """A rebalance begins: commit what was applied, for whoever has the partitions next."""
        self.stable.clear()
        for tenure in self.tenures.values():
            tenure.suspend()
        await self._settle()

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(SETTLE_S):
                await asyncio.gather(*(tenure.settle() for tenure in self.tenures.values()))
        except TimeoutError:
            log.warning("not everything could be committed in time; it will be repeated")

    async def assigned(
        self, assignment: Iterable[tuple[str, int]], generation: int, thread: "ConsumerThread"
    ) -> None:
        """The partitions of a new generation are known: let go, keep, and take over."""
        self._thread = thread
        try:
            numbers = owned(assignment, self.sources)
        except AssertionError as error:
            self.fail(str(error))
            return
        gone = [number for number in self.tenures if number not in numbers]
        for tenure in self.tenures.values():
            tenure.suspend()
        await asyncio.gather(*(self.tenures.pop(number).end() for number in gone))
        self.generation = generation
        self.stable.set()
        for number in sorted(numbers):
            if number in self.tenures:
                self.tenures[number].resume()
            else:
                self.tenures[number] = Tenure(self, number)
                self.tenures[number].start()

    async def stop(self) -> None:
        """Commit what was applied and let go of everything."""
        self.stable.clear()
        for tenure in self.tenures.values():
            tenure.suspend()
        await self._settle()
        await asyncio.gather(*(tenure.end() for tenure in self.tenures.values()))
        self.tenures.clear()

    # --- looking after the partitions

    async def look_after(self) -> None:
        """Each second: how far the logs go, whether the broker answers, which timers are due, what was counted."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._thread is not None:
                await self._look()

    async def _look(self) -> None:
        checked = int(time.time() * 1000)
        tps = [TP(topic, number) for number in self.tenures for topic in self.sources]
        try:
            ends = await self.thread.ends(tps) if tps else {}
            self.broker_up = True
        except (KafkaError, TimeoutError, OSError) as error:
            self.broker_up = False
            ends = {}
            self.troubled("broker", error)
        metrics.BROKER_UP.set(self.broker_up)
        for tp, end in ends.items():
            if tp.partition in self.tenures:
                at = self.tenures[tp.partition].positions[tp.topic]
                at.end = max(at.end, end)
        for tenure in self.tenures.values():
            if ends and tenure.epoch:
                self._tick(tenure, checked)
        self.report()

    def _tick(self, tenure: Tenure, checked: int) -> None:
        partition = tenure.partition
        due = partition.next_due if partition is not None else None
        horizon = tenure.positions.horizon(checked)
        if partition is not None and due is not None and horizon is not None and due < horizon:
            partition.issue_ticks(horizon)
        tenure.touched()  # also looks again whether a paused partition may go on

    def report(self) -> None:
        """Copy what was counted into the metrics."""
        now = int(time.time() * 1000)
        states = {"open": 0, "opening": 0, "halted": 0}
        for number, tenure in self.tenures.items():
            if tenure.partition is not None:
                tenure.tally.report(tenure.partition)
                tenure.positions.report(number, now)
            states["halted" if tenure.positions.halted else "open" if tenure.epoch else "opening"] += 1
        for state, count in states.items():
            metrics.PARTITIONS.labels(state).set(count)
        metrics.BUFFERED_BYTES.set(self.buffered)
        report_held([tenure.partition for tenure in self.tenures.values()])

    def unready(self) -> list[str]:
        """Why the worker is not ready; empty when it is."""
        if self._thread is None:
            return ["the group has not assigned partitions yet"]
        reasons = [] if self.broker_up else ["the broker does not answer"]
        if not self.stable.is_set():
            reasons.append("no assignment is held")
        opening = sorted(number for number, tenure in self.tenures.items() if not tenure.epoch)
        if opening:
            reasons.append(f"restoring partitions {opening}")
        for number, tenure in self.tenures.items():
            reasons.extend(f"{topic}[{number}] is halted" for topic in tenure.positions.halted)
        return reasons
