"""One partition's log through a fresh shard, in the order that its workers recorded."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from hashlib import blake2b
from typing import Final, NamedTuple

from schemas.dead_letter import Headers, Reason
from streams import log, order, progress, topics
from streams.changes import Effect
from streams.lane.record import Record
from streams.lane.restore import LogReader
from streams.log import Advance
from streams.progress import Progress
from streams.settings import Settings
from streams.shard import Shard, Terms
from streams.snapshot.file import Standing

TAKE_RECORDS: Final = 20_000
"""Records between two takes: when the table is taken must not matter, and does not follow the workers' flushes."""

Failed = dict[str, dict[int, str]]
"""Per topic and offset the failure of the workers' core, which made a dead letter of the record."""

Owed = tuple[str, int, bytes]
"""A record that the pipeline must have written: topic, partition, digest of key and value."""

CHECKED: Final = (
    topics.LEAD_TRANSITIONS,
    topics.LEAD_FORWARDS,
    topics.ACCOUNT_ACTIVITIES,
    topics.DEAD_LETTERS,
)
"""Topics in which everything that the replay gives out must be found."""


class BeginningGone(Exception):
    """The log no longer goes back to where the table began; one line."""


class CannotFollow(Exception):
    """A model was published that this version cannot run; one line."""


class Skipped(NamedTuple):
    """Records of the log that no worker recorded as applied, below an offset that the table vouches for."""

    topic: str
    partition: int
    first: int
    records: int


class Replayed(NamedTuple):
    """A partition as the core sees it: its records as bytes, and what it gave out since the replay's beginning.

    `handoffs` holds what the handoff agent made of the transitions it had read, by id: the record's digest. `own`
    are the partition's own records of models, `progress` is how far it came.
    """

    table: dict[str, bytes]
    population: dict[tuple[str, str], int]
    owed: Counter[Owed]
    handoffs: dict[str, bytes]
    skipped: list[Skipped]
    events: int
    own: dict[bytes, bytes]
    progress: Progress

    @property
    def model(self) -> str:
        return self.progress.model


def digest(key: bytes | None, value: bytes | None) -> bytes:
    """16 bytes that tell one record from another."""
    return blake2b(b"%d:%s%s" % (len(key or b""), key or b"", value or b""), digest_size=16).digest()


class Cursor:
    """One source topic of the partition, read once from its beginning up to what the table vouches for."""

    def __init__(self, batches: AsyncIterator[list[Record]]) -> None:
        self._batches = batches
        self._rest: list[Record] = []

    async def before(self, offset: int) -> AsyncIterator[list[Record]]:
        """The records not given out yet and before `offset`."""
        while True:
            while not self._rest:
                following = await anext(self._batches, None)
                if following is None:
                    return
                self._rest = following
            if self._rest[0].offset >= offset:
                return
            batch, self._rest = _cut(self._rest, offset)
            yield batch


def _pieces(batch: list[Record], failed: dict[int, str]) -> Iterator[tuple[list[Record], str | None]]:
    """The records in order, those at which the workers' core failed by themselves, with the failure's name."""
    rest = batch
    for offset in sorted(failed.keys() & {record.offset for record in batch}) if failed else ():
        before, rest = _cut(rest, offset)
        if before:
            yield before, None
        yield rest[:1], failed[offset]
        rest = rest[1:]
    if rest:
        yield rest, None


def _cut(records: list[Record], offset: int) -> tuple[list[Record], list[Record]]:
    """The records before an offset, and the others."""
    if not records or records[-1].offset < offset:
        return records, []
    place = next(place for place, record in enumerate(records) if record.offset >= offset)
    return records[:place], records[place:]


class Replay:
    """Carries one partition's records through a shard."""

    def __init__(
        self,
        number: int,
        count: int,
        terms: Terms,
        advance: Advance,
        failed: Failed | None = None,
        standing: Standing | None = None,
    ) -> None:
        # Transactions or not, the table is the same but for what it owes; and a replay does not stop at bad input.
        self._shard = Shard(number, count, terms._replace(exactly_once=True, reject_share=1.0))
        self._own: dict[bytes, bytes] = {}
        if standing is not None:
            self._begin(standing)
        self._advance = advance
        self._failed = failed or {}
        self._since_take = 0
        self._owed: Counter[Owed] = Counter()
        self._handoffs: dict[str, bytes] = {}
        self._skipped: dict[str, Skipped] = {}
        self._events = 0

    def _begin(self, standing: Standing) -> None:
        """Go on from a snapshot, as a worker does from the changelog. Raises CannotFollow."""
        self._own = {key.encode(): value for key, value in standing.begin.own.items()}
        for key, value in self._own.items():
            self._shard.restore(key, value)
        for name, value in standing.records.items():
            self._shard.restore(name.encode(), value)
        met = standing.progress
        met.delivery = self._shard.progress.delivery
        self._shard.restore(progress.KEY, progress.encode(met))
        refused = self._shard.restored()
        if refused is not None:
            raise CannotFollow(refused.message)

    async def run(
        self, runs: AsyncIterator[order.Run], cursors: dict[str, Cursor], limits: dict[str, int]
    ) -> Replayed:
        """Apply the runs, each record once, up to the limits."""
        async for run in runs:
            limit = limits.get(run.topic, 0)
            async for batch in cursors[run.topic].before(min(run.first, limit)):
                self._skip(run.topic, batch)
            async for batch in cursors[run.topic].before(min(run.following, limit)):
                self._apply(run.topic, batch)
        for topic, cursor in cursors.items():
            async for batch in cursor.before(limits[topic]):
                self._skip(topic, batch)
        self._take()
        shard = self._shard
        population = dict(shard.population)
        skipped = list(self._skipped.values())
        return Replayed(
            shard.table.dump(),
            population,
            self._owed,
            self._handoffs,
            skipped,
            self._events,
            self._own,
            shard.progress,
        )

    def _apply(self, topic: str, batch: list[Record]) -> None:
        for records, failure in _pieces(batch, self._failed.get(topic, {})):
            if failure is not None:
                self._shard.refuse(topic, records[0], failure)
            else:
                halted = self._shard.apply(topic, records)
                if halted is not None:
                    raise CannotFollow(halted.message)
        self._events += len(batch)
        self._since_take += len(batch)
        self._advance(len(batch))
        if self._since_take >= TAKE_RECORDS:
            self._take()

    def _skip(self, topic: str, batch: list[Record]) -> None:
        """Nobody recorded these as applied: they are lost, or the order is."""
        before = self._skipped.get(topic)
        first, count = (before.first, before.records) if before else (batch[0].offset, 0)
        self._skipped[topic] = Skipped(topic, self._shard.number, first, count + len(batch))
        self._advance(len(batch))

    def _take(self) -> None:
        self._since_take = 0
        changes = self._shard.take()
        self._shard.confirm()
        self._own |= {key: value for key, value in changes.table if key in progress.OWN and value is not None}
        for effect in changes.effects:
            self._note(effect)

    def _note(self, effect: Effect) -> None:
        found = digest(effect.key, effect.value)
        if effect.topic in CHECKED:
            self._owed[effect.topic, effect.partition, found] += 1
        elif effect.topic in (topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW):
            self._handoffs[handoff_of(effect.headers)] = found


def handoff_of(headers: tuple[tuple[str, bytes], ...] | list[tuple[str, bytes]]) -> str:
    """The id of a handoff's record."""
    return next((value.decode() for name, value in headers if name == "handoff-id"), "")


async def replay(
    settings: Settings,
    number: int,
    count: int,
    terms: Terms,
    vouched: Progress | None,
    advance: Advance,
    standing: Standing | None = None,
) -> Replayed:
    """One partition of the log, up to what its meta record vouches for; from a snapshot on, if there is one.

    Raises BeginningGone, CannotFollow, Unusable; see `log.opened`.
    """
    limits = vouched.offsets if vouched is not None else {}
    since = standing.progress.offsets if standing is not None else {}
    first_order = standing.begin.order if standing is not None else 0
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(log.opened(settings)) for _ in range(len(limits) + 1)]
        for topic in limits:
            await _check_beginning(readers[0], topic, number, since.get(topic, 0))
        await _check_beginning(readers[0], topics.LEAD_ORDER, number, first_order)
        cursors = {
            topic: Cursor(reader.read(topic, number, since.get(topic, 0), limit))
            for (topic, limit), reader in zip(limits.items(), readers[1:], strict=True)
        }
        one = Replay(number, count, terms, advance, await _failed(readers[0], number), standing)
        return await one.run(_runs(readers[0], number, limits, first_order), cursors, limits)


async def _check_beginning(reader: LogReader, topic: str, number: int, needed: int) -> None:
    first, _ = await reader.bounds(topic, number)
    if first > needed:
        needs = f"the snapshot stands at {needed}: take one oftener" if needed else "use --from-snapshot FILE"
        raise BeginningGone(
            f"{topic}[{number}] begins at offset {first}: what was before it is no longer kept, and without it a "
            f"replay cannot give the live table ({needs})"
        )


async def _failed(reader: LogReader, number: int) -> Failed:
    """Where the workers' core failed: what they passed over a replay passes over too, whatever its core can do."""
    failed: Failed = {}
    async for records in reader.read(topics.DEAD_LETTERS, number):
        for record in records:
            known = Headers.decode(record.headers)
            if known is not None and known.reason is Reason.SCORING_ERROR and known.source_partition == number:
                failed.setdefault(known.source_topic, {})[known.source_offset] = known.detail
    return failed


async def _runs(reader: LogReader, number: int, limits: dict[str, int], first: int) -> AsyncIterator[order.Run]:
    """What was recorded, in order; not what the table does not vouch for."""
    async for records in reader.read(topics.LEAD_ORDER, number, first):
        for record in records:
            for run in order.decode(record.value or b""):
                if run.first < limits.get(run.topic, 0):
                    yield run
