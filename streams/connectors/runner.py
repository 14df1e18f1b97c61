"""The runner: reads, delivers, retries, commits. One task; the receiver's work is the only thing beside it."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from schemas.dead_letter import Reason, Rejected
from streams import trace_context, tracing
from streams.breaker import Breaker
from streams.connectors import metrics
from streams.connectors.base import Receiver
from streams.connectors.event import Event, Unknown
from streams.connectors.gate import Gate, backoff
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from streams.connectors.source import DeadLetters, Record, Source
from streams.connectors.window import Entry, Window

log = logging.getLogger(__name__)

COMMIT_S: Final = 1.0
"""After a crash at most what was delivered in so many seconds is delivered again."""
STOP_S: Final = 7.0
"""What is on its way may take so long to end when the connector is told to stop."""
RELEASE_S: Final = 10.0
"""The same before a rebalance."""
REMIND_S: Final = 60.0
ALONE_AFTER: Final = 2
"""An event that has failed so often is delivered by itself: it may be what fails its batch."""
MOST_REFUSED: Final = 0.5
"""Of the last hundreds of events. Past that share the set-up is wrong, not the leads."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard the receiver may be used."""

    width: int = 4
    per_second: float | None = None
    attempts: int = 12
    window: int = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """A record and what it says; a Rejected goes to the dead letters when its turn comes."""

    record: Record
    event: Event | Rejected


Taken = Entry[Item]


class Runner:
    """Carries one topic to one receiver, at least once, each lead's events in order."""

    def __init__(
        self,
        name: str,
        sink: Receiver,
        source: Source,
        dead_letters: DeadLetters,
        pace: Pace,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._sink = sink
        self._source = source
        self._dead_letters = dead_letters
        self._pace = pace
        self._chance = chance
        self._window: Window[Item] = Window()
        self._gate = Gate(pace.width, pace.per_second)
        self._breaker = Breaker(MOST_REFUSED)
        self._deliveries: dict[asyncio.Task[list[Outcome]], list[Taken]] = {}
        self._fetch: asyncio.Task[Sequence[Record]] | None = None
        self._generation = self._fetched = 0
        self._releasing = False
        self._committed: dict[int, int] = {}
        self._commit_at = 0.0
        self._trouble = ""
        self._remind_at = 0.0
        self._said = False
        metrics.begin(name)

    @property
    def trouble(self) -> str:
        """Why nothing is sent now; empty if all is well."""
        return self._trouble

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; then what is on its way is awaited for a few seconds and committed."""
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                self._begin_fetch()
                await self._begin_deliveries()
                await self._wait(stop)
                await self._take_in()
                await self._commit(time.monotonic() >= self._commit_at)
        finally:
            stop.cancel()
            await self._end()

    async def release(self, partitions: set[int]) -> None:
        """Partitions leave: finish what is on its way, commit, forget them."""
        self._releasing = True
        try:
            await self._settle(RELEASE_S)
            await self._commit(True)
            self._window.drop(partitions)
            for partition in partitions:
                self._committed.pop(partition, None)
            self._generation += 1
        finally:
            self._releasing = False

    # --- reading

    def _begin_fetch(self) -> None:
        room = self._pace.window - len(self._window)
        if self._fetch is None and room > 0:
            self._fetched = self._generation
            self._fetch = asyncio.create_task(self._source.fetch(room))

    def _end_fetch(self) -> None:
        if self._fetch is None or not self._fetch.done():
            return
        records, self._fetch = self._fetch.result(), None
        if self._fetched != self._generation:
            return  # read under an assignment that is over: whoever has the partition reads it again
        for record in records:
            self._add(record)

    def _add(self, record: Record) -> None:
        event = self._sink.read(record.value)
        if isinstance(event, Unknown):
            metrics.PASSED_OVER.labels(self._name).inc()
            event = Event("", "", "", 0, {}, b"")  # takes its place in the order, and nothing is sent
        elif isinstance(event, Event):
            event = event._replace(traceparent=trace_context.of(record.headers))
        self._window.add(record.partition, record.offset, record.key, Item(record, event))

    # --- delivering

    async def _begin_deliveries(self) -> None:
        while not self._releasing:
            now = time.monotonic()
            if self._gate.places(len(self._deliveries), now) == 0:
                return
            most = 1 if self._gate.open else self._sink.batch
            entries = await self._sendable(self._window.take(most, now, ALONE_AFTER))
            if entries is None:
                return
            if entries:
                self._gate.started(1, now)
                events = [entry.item.event for entry in entries if isinstance(entry.item.event, Event)]
                self._deliveries[asyncio.create_task(self._deliver(events))] = entries

    async def _sendable(self, taken: list[Taken]) -> list[Taken] | None:
        """Those that the receiver is to get, the others being done with; None if nothing was taken."""
        if not taken:
            return None
        entries = []
        for entry in taken:
            if isinstance(entry.item.event, Rejected):
                await self._bury(entry, *entry.item.event)
            elif not entry.item.event.id:
                self._window.finish(entry)
            else:
                entries.append(entry)
        return entries

    async def _deliver(self, events: list[Event]) -> list[Outcome]:
        traces = (event.traceparent for event in events)
        with tracing.delivery(self._name, traces), metrics.DURATION.labels(self._name).time():
            outcomes = await self._sink.deliver(events)
            tracing.note("leadstreams.outcomes", ", ".join(sorted({type(one).__name__ for one in outcomes})))
        assert len(outcomes) == len(events), "one outcome per event"
        return outcomes

    async def _take_in(self) -> None:
        self._end_fetch()
        for task in [task for task in self._deliveries if task.done()]:
            entries = self._deliveries.pop(task)
            outcomes = self._outcomes(task, len(entries))
            self._learn(outcomes)
            for entry, outcome in zip(entries, outcomes, strict=True):
                await self._settle_one(entry, outcome)

    def _learn(self, outcomes: list[Outcome]) -> None:
        """What one delivery says about the receiver."""
        postponed = [outcome for outcome in outcomes if isinstance(outcome, Postponed)]
        whole = next((outcome for outcome in postponed if outcome.everyone), None)
        if whole is not None:
            self._trip(whole)
        elif len(postponed) < len(outcomes):
            self._recovered()
        else:
            self._gate.failed(time.monotonic(), self._chance())
            self._complain(postponed[0])

    def _trip(self, whole: Postponed) -> None:
        self._gate.trip(time.monotonic(), whole.after_s, self._chance())
        self._complain(whole)

    def _outcomes(self, task: asyncio.Task[list[Outcome]], events: int) -> list[Outcome]:
        try:
            return task.result()
        except Exception as error:
            log.exception("%s: a bug in the connector", self._name)
            return [Postponed(f"a bug in the connector: {type(error).__name__}", operator=True)] * events

    async def _settle_one(self, entry: Taken, outcome: Outcome) -> None:
        event = entry.item.event
        assert isinstance(event, Event)
        if isinstance(outcome, Refused) and not entry.dropped:
            outcome = await self._refuse(entry, outcome)
        if isinstance(outcome, Postponed):
            await self._postpone(entry, outcome)
        elif isinstance(outcome, Delivered):
            self._breaker.judge(self._name, 1, 0)
            metrics.DELIVERED.labels(self._name, event.change or "sql").inc()
            metrics.AGE.labels(self._name).observe(max(time.time() - event.at / 1000, 0.0))
            self._window.finish(entry)

    async def _refuse(self, entry: Taken, refused: Refused) -> Outcome:
        why = self._breaker.judge(self._name, 1, 1)
        if why is not None:
            whole = Postponed(f"{why}, the last because of {refused.detail}", everyone=True, operator=True)
            self._trip(whole)
            return whole
        await self._bury(entry, Reason.CRM_REFUSED, refused.detail)
        return refused

    async def _bury(self, entry: Taken, reason: Reason, detail: str) -> None:
        """A dead letter; if the broker does not take it, the event waits."""
        if await self._dead_letters.put(entry.item.record, reason.value, f"{self._name}: {detail}"):
            metrics.REFUSED.labels(self._name).inc()
            log.error("%s: refused for good, now a dead letter: %s", self._name, detail)
            self._window.finish(entry)
        else:
            self._window.retry(entry, time.monotonic() + backoff(1, self._chance()))

    async def _postpone(self, entry: Taken, outcome: Postponed) -> None:
        now = time.monotonic()
        metrics.RETRIED.labels(self._name).inc()
        if outcome.everyone:
            self._window.retry(entry, now)
            return
        # While the receiver as a whole fails, an attempt says nothing about the event.
        entry.attempts += not self._gate.open
        if entry.attempts >= self._pace.attempts and not self._gate.open:
            detail = f"given up after {entry.attempts} attempts: {outcome.detail}"
            await self._bury(entry, Reason.CRM_REFUSED, detail)
            return
        self._window.retry(entry, now + (outcome.after_s or backoff(max(entry.attempts, 1), self._chance())))

    # --- saying how it is

    def _complain(self, outcome: Postponed) -> None:
        if not self._gate.open:
            return
        now = time.monotonic()
        metrics.OPEN.labels(self._name).set(1)
        news = outcome.operator and outcome.detail != self._trouble
        if news or now >= self._remind_at:
            self._remind_at = now + REMIND_S
            self._said = True
            level = logging.ERROR if outcome.operator else logging.WARNING
            log.log(level, "%s: waiting %.0f s: %s", self._name, max(self._gate.until - now, 0.0), outcome.detail)
        self._trouble = outcome.detail

    def _recovered(self) -> None:
        self._gate.succeeded()
        self._trouble = ""
        metrics.OPEN.labels(self._name).set(0)
        if self._said:
            log.info("%s: delivers again", self._name)
        self._said = False

    # --- waiting and committing

    async def _wait(self, stop: asyncio.Task[bool]) -> None:
        """Until something is done, told, or due."""
        tasks: set[asyncio.Task[object]] = {stop, *self._deliveries}
        if self._fetch is not None:
            tasks.add(self._fetch)
        now = time.monotonic()
        due = [at for at in (self._commit_at, self._window.due(), self._gate.due()) if at is not None and at > now]
        timeout = min(due, default=now + COMMIT_S) - now
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def _commit(self, due: bool) -> None:
        if not due:
            return
        self._commit_at = time.monotonic() + COMMIT_S
        positions = self._window.positions()
        moved = {p: at for p, at in positions.items() if self._committed.get(p) != at}
        if moved and await self._source.commit(moved):
            self._committed |= moved
        metrics.LAG.labels(self._name).set(self._source.lag(positions))

    async def _settle(self, within: float) -> None:
        """Wait for the deliveries that are on their way, at most so long."""
        if self._deliveries:
            await asyncio.wait(list(self._deliveries), timeout=within)
            await self._take_in()

    async def _end(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._fetch
            self._fetch = None
        self._releasing = True
        await self._settle(STOP_S)
        for task in self._deliveries:
            task.cancel()
        await self._commit(True)
