"""This worker's time as the owner of one partition number: fence, restore, read, flush, and again after a loss."""

import asyncio
import contextlib
import logging
import time
import traceback
from typing import TYPE_CHECKING, Final

from faust.types import TP

from streams import metrics, tracing
from streams.changes import Partition
from streams.lane.positions import Positions
from streams.lane.record import Batch
from streams.lane.redo import redo
from streams.lane.restore import LogReader, Undecodable, restore
from streams.lane.suspicion import Suspected, Suspicion
from streams.lane.tally import Tally
from streams.lane.transaction import OrderedWriter, Writer
from streams.lane.trouble import Refusal, Unconfirmed, passes

if TYPE_CHECKING:
    from streams.lane.lane import Lane

log = logging.getLogger(__name__)

FLUSH_DEADLINE_S: Final = 10.0
HURRY_S: Final = 0.05
PACE_S: Final = 0.1
"""Between the beginnings of two flushes, when sales waits for one and when nobody does: a flush costs the worker
4 ms of its processor, and the broker more."""
COALESCE_S: Final = 0.15
"""Between flushes under load: a transaction costs 11 to 27 ms, and a lead that changes often is written once."""
BACKLOG_RECORDS: Final = 1_000
"""Unread records from which a partition is under load and its flushes wait for each other's leads."""
DEEP_COALESCE_S: Final = 2.0
DEEP_BACKLOG_RECORDS: Final = 20_000
"""Unread records from which nobody waits for the next flush: fewer and larger ones catch up sooner."""
MAX_PENDING: Final = 50_000
"""Uncommitted events at which a partition is read no further before a flush."""
ATTEMPTS: Final = 3
"""Failures in a row for which no single record is to blame, before the worker stops."""
FORGIVEN_S: Final = 600.0
MOST_GUILTY: Final = 20
"""Records of a partition at which the core fails within `FORGIVEN_S` before the worker stops: then the program is
broken, and to go on would drain the topics into dead letters."""
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 5.0
CANCEL_AGAIN_S: Final = 0.5
MARKER_S: Final = 0.1
MARKER_LOOKS: Final = 20
"""Looks for our own last commit: the broker answers before its marker, and so the group's offsets, can be read."""


class Tenure:
    """Owns the pure partition, its writer and its task. All methods run on the main event loop."""

    def __init__(self, lane: "Lane", number: int) -> None:
        self.number = number
        self.partition: Partition | None = None
        self.positions = Positions(lane.sources)
        self.epoch = 0  # 0: nothing may be read
        self.tally = Tally()
        self.task: asyncio.Task[None] | None = None
        self._lane = lane
        self._tps = [TP(topic, number) for topic in lane.sources]
        self._writer: Writer = lane.new_writer(number)
        self._committed: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._signal = asyncio.Event()
        self._urgent = asyncio.Event()
        self._pending_since: float | None = None
        self._flushed_at = 0.0
        self._suspicion = Suspicion()
        self._guilty: list[float] = []  # when each was found
        self._failures = 0
        self._failed_at = 0.0
        self._ending = False

    # --- life

    def start(self) -> None:
        self.task = asyncio.create_task(self._run(), name=f"partition {self.number}")
        self.task.add_done_callback(self._ended)

    def suspend(self) -> None:
        """A rebalance began: read nothing until `resume`. What is queued is dropped and read again."""
        self.epoch = 0
        self._lane.buffered -= self.positions.forget_queued()
        self._lane.set_wanted(self)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self._ending:
            error = None if task.cancelled() else task.exception()
            self._lane.fail(f"partition {self.number} ended by itself ({type(error).__name__})")

    def resume(self) -> None:
        """The partition stays ours in the new generation: seek again."""
        self._signal.set()

    async def end(self) -> None:
        """Let go, without a flush: `settle` first to keep what is pending."""
        self._ending = True
        self.suspend()
        # More than once: aiokafka swallows a cancellation now and then, and the task would wait for an assignment
        # which itself waits for this end.
        while self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task], timeout=CANCEL_AGAIN_S)
        await self._let_go()
        self.positions.forget_metrics(self.number)

    async def settle(self) -> bool:
        """Flush what is pending now; whether all is durable. Never raises."""
        try:
            while self.partition is not None and self.partition.pending:
                await self._flush()
        except Exception as error:
            self._lose(error)
            return False
        return True

    async def _run(self) -> None:
        delay = RETRY_FIRST_S
        while True:
            try:
                await self._take_over()
                delay = RETRY_FIRST_S
                await self._work()
            except Refusal as error:
                self._lane.fail(f"partition {self.number}: {error}")
                return
            except Suspected as error:
                self._suspect(error)
            except Exception as error:
                if passes(error):
                    self._lane.troubled(f"partition {self.number}", error)
                else:
                    self._stumbled("taking over or flushing", error)
            await self._let_go()
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_MOST_S)

    async def _let_go(self) -> None:
        self._lose(None)
        await self._writer.close()

    def _lose(self, error: BaseException | None) -> None:
        """Drop the state: it may be ahead of what is durable, or somebody else's by now."""
        if error is not None and self.partition is not None:
            metrics.TRANSACTIONS_LOST.inc()
            log.warning("partition %s is restored: %s", self.number, type(error).__name__)
        if self.partition is not None:
            self.tally.report(self.partition)
        self.partition = None
        self._pending_since = None
        self.suspend()
        self._signal.set()

    # --- taking over: fence, restore, read

    async def _take_over(self) -> None:
        await self._lane.stable.wait()
        started = time.monotonic()
        # Nobody fences who could not read afterwards: others may own the partition by now.
        await self._lane.thread.ranges(self._tps)
        await self._writer.open()
        partition = self._lane.make_partition(self.number, self._lane.partitions)
        async with self._lane.restoring, LogReader(self._lane.client_options, f"restore-{self.number}") as reader:
            try:
                order_position = await restore(reader, partition, self._lane.exactly_once)
            except Undecodable as error:
                raise Refusal(str(error)) from None
            refused = partition.restored()
            if refused is not None:
                raise Refusal(refused.message)
            if isinstance(self._writer, OrderedWriter):
                self._writer.order_position = order_position
                repeated = await redo(reader, partition, order_position, self._suspicion)
                if repeated:
                    log.info("partition %s applied %s records again", self.number, repeated)
        self.partition = partition
        self._committed = dict(partition.offsets)
        await self._seat()
        metrics.RESTORE_DURATION.observe(time.monotonic() - started)
        self.touched()

    async def _seat(self) -> None:
        """Seek to where the state stands, in the generation of now, and let records in."""
        await self._lane.stable.wait()
        generation = self._lane.generation
        partition = self.partition
        if partition is None:
            return  # lost meanwhile
        offsets = partition.offsets
        ranges = await self._lane.thread.ranges(self._tps)
        start = {tp.topic: self._start(tp, offsets.get(tp.topic), *ranges[tp]) for tp in self._tps}
        await self._lane.thread.place({TP(topic, self.number): offset for topic, offset in start.items()})
        if self.partition is not partition or self._lane.generation != generation:
            return  # lost, or a rebalance came between: `resume` follows
        self._lane.buffered -= self.positions.forget_queued()
        self.positions.seat(start, {tp.topic: end for tp, (_, end) in ranges.items()})
        self.epoch = self._lane.next_epoch()
        self._lane.set_wanted(self)
        log.info("partition %s is open", self.number)

    def _start(self, tp: TP, offset: int | None, first: int, end: int) -> int:
        if offset is None:
            return first
        if first > offset:
            raise Refusal(
                f"the log of {tp.topic} starts at {first} but the state needs {offset}: "
                "records were deleted before they were applied; see the runbook: lost records"
            )
        if end < offset and self._lane.exactly_once:  # the embedded broker's ends fall short
            raise Refusal(
                f"the log of {tp.topic} ends at {end} but the state has applied {offset}: "
                "the topic was made anew or lost records; see the runbook: lost records"
            )
        return offset

    async def _reseat(self) -> None:
        """After a rebalance: go on only if nobody committed in between."""
        await self._lane.stable.wait()  # until then our own last flush may be under way
        if self._lane.exactly_once:
            await self._undisturbed()
        await self._seat()

    async def _undisturbed(self) -> None:
        """Returns once the group stands where we committed. Raises Unconfirmed if somebody else did after us."""
        for left in reversed(range(MARKER_LOOKS)):
            group = await self._lane.thread.group_offsets(self._tps)
            found = {topic: group.get(TP(topic, self.number), ours) for topic, ours in self._committed.items()}
            other = [topic for topic, ours in self._committed.items() if found[topic] != ours]
            if not other:
                return
            if not left or any(found[topic] > self._committed[topic] for topic in other):
                raise Unconfirmed(
                    f"{other[0]} was committed at {found[other[0]]}, not {self._committed[other[0]]}"
                )
            await asyncio.sleep(MARKER_S)

    # --- applying

    @property
    def readable(self) -> bool:
        """Whether more may be read: not while too much is uncommitted or for too long."""
        if self.epoch == 0 or self.partition is None:
            return False
        since = self._pending_since
        stale = 2 * self._interval
        return since is None or (time.monotonic() - since < stale and self.partition.pending < MAX_PENDING)

    @property
    def _interval(self) -> float:
        """Seconds between flushes under load."""
        return DEEP_COALESCE_S if self.positions.unapplied > DEEP_BACKLOG_RECORDS else COALESCE_S

    def apply(self, batch: Batch) -> None:
        """Apply a batch that an agent took. Never raises: what goes wrong is repeated, or stops the worker."""
        partition = self.partition
        if partition is None or batch.epoch != self.epoch:
            return  # read for a state that was dropped since: it will be read again
        at = self.positions[batch.topic]
        at.queued -= 1
        at.queued_bytes -= batch.size
        self._lane.buffered -= batch.size
        records = batch.records
        if records[0].offset < at.applied_to:
            records = [record for record in records if record.offset >= at.applied_to]
        if at.halted or not records:
            return
        started = time.perf_counter()
        try:
            with tracing.batch(batch.topic, self.number, records):
                halted = self._suspicion.apply(partition, batch.topic, records)
        except Suspected as error:
            self._suspect(error)
            self._lose(None)
            return
        except Exception as error:
            self._stumbled(f"applying {batch.topic} after offset {at.applied_to - 1}", error, batch.topic)
            self._lose(None)
            return
        metrics.BATCH_DURATION.labels(batch.topic).observe(time.perf_counter() - started)
        if halted is not None:
            self._halt(batch.topic, halted.offset, halted.message)
        else:
            at.applied_to = records[-1].offset + 1
            at.applied_at = records[-1].timestamp
            if at.failures and at.applied_to > at.failed_at:
                at.failures = 0
        self.touched()

    def touched(self) -> None:
        """There may be something to flush, and room to read."""
        partition = self.partition
        if partition is not None and partition.pending:
            if self._pending_since is None:
                self._pending_since = time.monotonic()
                self._signal.set()
            hurried = partition.urgent and self.positions.unapplied <= BACKLOG_RECORDS
            if hurried or partition.pending >= MAX_PENDING:
                self._urgent.set()
        self._lane.set_wanted(self)

    def _halt(self, topic: str, offset: int, message: str) -> None:
        self.positions[topic].halted = True
        metrics.HALTED.labels(topic, str(self.number)).set(1)
        log.error("%s[%s] is halted at offset %s: %s", topic, self.number, offset, message)

    def _suspect(self, suspected: Suspected) -> None:
        """A bug costs the one record at which it shows, and that one becomes a dead letter."""
        topic, offset, error = suspected.topic, suspected.guilty, suspected.error
        if offset is None:
            self._stumbled(f"applying {topic} after offset {self.positions[topic].applied_to - 1}", error, topic)
            return
        self._tell(error, f"applying {topic}[{self.number}]@{offset}, which becomes a dead letter", topic)
        self.positions[topic].failures = 0
        now = time.monotonic()
        self._guilty = [at for at in self._guilty if now - at < FORGIVEN_S] + [now]
        if len(self._guilty) > MOST_GUILTY:
            self._lane.fail(
                f"partition {self.number}: the core failed at {len(self._guilty)} records, at last at "
                f"{topic}@{offset} ({type(error).__name__}); see the runbook: a bug in scoring"
            )

    def _tell(self, error: Exception, doing: str, topic: str) -> None:
        metrics.FAILURES.labels(topic).inc()
        # Without the message: it may quote an event.
        where = "".join(traceback.format_tb(error.__traceback__)[-3:])
        log.error("partition %s: %s while %s\n%s", self.number, type(error).__name__, doing, where)

    def _stumbled(self, doing: str, error: Exception, topic: str = "") -> None:
        """A bug is no acknowledgement: tried again from the durable state a few times, then the worker stops."""
        self._tell(error, doing, topic)
        if topic:
            at = self.positions[topic]
            at.failures += 1
            at.failed_at = at.applied_to
            failures = at.failures
        else:
            now = time.monotonic()
            self._failures = self._failures + 1 if now - self._failed_at < FORGIVEN_S else 1
            self._failed_at = now
            failures = self._failures
        if failures >= ATTEMPTS:
            self._lane.fail(f"partition {self.number}: {type(error).__name__} {failures} times while {doing}")

    # --- flushing

    async def _work(self) -> None:
        """Flush, and seek again after each rebalance, until the state is lost."""
        while self.partition is not None:
            await self._signal.wait()
            self._signal.clear()
            if self.partition is None:
                break
            if self.epoch == 0:
                await self._reseat()
            if self.partition is not None and self.partition.pending:
                await self._coalesce()
                await self._flush()
        raise Unconfirmed("the state was dropped")

    async def _coalesce(self) -> None:
        """Wait for more to commit with: a moment for what sales waits for, longer for the rest or a backlog."""
        since = self._pending_since or time.monotonic()
        soonest = max(since + self._lane.flush_s, self._flushed_at + HURRY_S)
        await asyncio.sleep(max(0.0, soonest - time.monotonic()))
        backlog = self.positions.unapplied > BACKLOG_RECORDS
        until = since + self._interval if backlog else self._flushed_at + PACE_S
        left = until - time.monotonic()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._urgent.wait()

    async def _flush(self) -> None:
        """Make everything since the last flush durable. Whatever it raises, the state was dropped."""
        async with self._lock:
            partition = self.partition
            if partition is None or not partition.pending:
                return
            # Nothing awaits between taking the offsets and the records.
            changes = partition.take()
            waiting = _take_waiting(partition)
            since, self._pending_since = self._pending_since, None
            self._urgent.clear()
            self._lane.set_wanted(self)
            self._flushed_at = started = time.monotonic()
            try:
                async with asyncio.timeout(FLUSH_DEADLINE_S):
                    written = await self._writer.write(changes)
            except BaseException as error:
                self._lose(error)
                raise
            partition.confirm()
            self._committed.update(changes.offsets)
            self._suspicion.settle(changes.offsets)
            tracing.handed_over(changes.effects, time.monotonic() - started)
            if since is not None:
                metrics.COMMIT_DELAY.observe(time.monotonic() - since)
            self._observe(time.monotonic() - started, changes.events, written, waiting)
        self.touched()

    def _observe(self, took_s: float, events: int, written: int, waiting: list[tuple[int, int]]) -> None:
        metrics.TRANSACTION_DURATION.observe(took_s)
        metrics.FLUSH_EVENTS.observe(events)
        metrics.FLUSH_BYTES.observe(written)
        now = time.time() * 1000
        for occurred, arrival in waiting:
            metrics.HANDOFF_LATENCY.observe(max(0.0, now - arrival) / 1000)
            metrics.HANDOFF_AGE.observe(max(0.0, now - occurred) / 1000)


def _take_waiting(partition: Partition) -> list[tuple[int, int]]:
    """When the criteria of this flush's handoffs were met and when the events behind them arrived (Unix ms)."""
    waiting: list[tuple[int, int]] = getattr(partition, "waiting", [])
    taken = list(waiting)
    waiting.clear()
    return taken
