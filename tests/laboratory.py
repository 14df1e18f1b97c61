"""Shards with logs between them, read in whatever order a scheduler draws: where races are made on purpose.

Each partition of each topic is a list that keeps its order; everything else is free: which partition goes on,
which of its topics it reads, how many records at once, when it flushes, and when it dies. Faithful to the lane:
exactly once a flush is all or nothing; at least once it is order, state, effects, meta, and ends after any record.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgspec

from streams import order, progress, topics
from streams.changes import Changes, Effect, Halted
from streams.identity.keys import Secret, lead_keys
from streams.lane.record import Record
from streams.lane.redo import joined
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.shard import Shard, Terms
from tests.reference.adapter import published_model

SECRET: Final = Secret(b"a secret of the tests, 32 bytes!", "1")
MODEL: Final = published_model()


def terms_of(model: Model = MODEL, **options: Any) -> Terms:
    return Terms(model, SECRET, **{"reject_share": 1.0} | options)


def key_of(*, email: str | None = None, user: str | None = None, device: str | None = None) -> str:
    """The lead key of one identity."""
    return lead_keys(email, user, device, SECRET)[0]


def wire(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document)


class Crash(Exception):
    """The worker of a partition died in the middle of a flush."""


class Laboratory:
    """A pipeline under a scheduler; `rng` decides everything that Kafka leaves open."""

    def __init__(self, terms: Terms, partitions: int, rng: Random, *, batch: int = 3) -> None:
        self.terms = terms
        self.partitions = partitions
        self.rng = rng
        self.batch = batch
        self.now = 0
        self.logs: dict[tuple[str, int], list[Record]] = {}
        self.changelogs: list[list[tuple[bytes, bytes | None]]] = [[] for _ in range(partitions)]
        self.orders: list[list[bytes]] = [[] for _ in range(partitions)]
        self.vouched = [0] * partitions  # order records that the meta record vouches for
        self.shards = [Shard(number, partitions, terms) for number in range(partitions)]

    # --- the logs

    def put(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        at: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Append one record; `at`: its arrival in Unix ms."""
        self.now = max(self.now, at or 0)
        log = self.logs.setdefault((topic, partition), [])
        log.append(Record(topic, partition, len(log), self.now, key, value, list(headers)))

    def send(self, document: dict[str, Any], topic: str = topics.LEAD_ACTIVITIES, *, at: int) -> None:
        """An event of a producer who knows nothing of lead keys: on any partition."""
        self.put(topic, self.rng.randrange(self.partitions), wire(document), at=at)

    def records(self, topic: str) -> list[Record]:
        """Everything that a topic holds, partition after partition."""
        return [record for (name, _), log in sorted(self.logs.items()) if name == topic for record in log]

    def values(self, topic: str) -> list[bytes]:
        return [record.value or b"" for record in self.records(topic)]

    # --- the scheduler

    def run(self) -> None:
        """Until everything is read and flushed."""
        while True:
            if unread := self.unread():
                self.step(*self.rng.choice(unread))
            elif pending := [shard.number for shard in self.shards if shard.pending]:
                self.flush(self.rng.choice(pending))
            else:
                return

    def step(self, number: int, topic: str) -> None:
        """One partition reads some of one topic, and perhaps flushes."""
        shard = self.shards[number]
        first = shard.offsets.get(topic, 0)
        records = self.logs[topic, number][first : first + self.rng.randint(1, self.batch)]
        halted = shard.apply(topic, records)
        assert not isinstance(halted, Halted), halted
        if self.rng.random() < 0.5:
            self.flush(number)

    def unread(self) -> list[tuple[int, str]]:
        """Where there is something to read: (partition, topic)."""
        return [
            (number, topic)
            for (topic, number), log in self.logs.items()
            if topic in topics.SOURCES and self.shards[number].offsets.get(topic, 0) < len(log)
        ]

    def pass_time(self, until: int) -> None:
        """All is read and quiet: what time alone brings up to `until`, in steps of a day at most."""
        self.run()
        self.now = max(self.now, until)
        for shard in self.shards:
            shard.issue_ticks(until)
        self.run()

    # --- making changes durable, or dying over it

    def flush(self, number: int, survives: Callable[[str], bool] = lambda step: True) -> None:
        """Write what a partition owes. `survives` is asked before each record that goes out; False: Crash."""
        changes = self.shards[number].take()
        if self.terms.exactly_once:
            if not survives("commit"):
                raise Crash
            self._write_all(number, changes)
        else:
            self._write_in_order(number, changes, survives)
        self.shards[number].confirm()

    def _write_all(self, number: int, changes: Changes) -> None:
        self.changelogs[number] += [*changes.table, changes.meta]
        if changes.order is not None:
            self.orders[number].append(changes.order)
        for effect in changes.effects:
            self._deliver(effect)

    def _write_in_order(self, number: int, changes: Changes, survives: Callable[[str], bool]) -> None:
        if changes.order is not None:
            _ask(survives, "order")
            self.orders[number].append(changes.order)
        written = len(self.orders[number])
        for entry in self.rng.sample(changes.table, len(changes.table)):  # any subset may be durable
            _ask(survives, "state")
            self.changelogs[number].append(entry)
        for effect in changes.effects:
            _ask(survives, "effects")
            self._deliver(effect)
        _ask(survives, "meta")
        self.changelogs[number].append(changes.meta)
        self.vouched[number] = written

    def _deliver(self, effect: Effect) -> None:
        self.put(effect.topic, effect.partition, effect.value, key=effect.key, headers=effect.headers)

    def restart(self, number: int) -> None:
        """A new owner: restore, and at least once apply again what was recorded as applied."""
        self.shards[number] = shard = self.restored(number)
        if self.terms.exactly_once:
            return
        runs = [run for value in self.orders[number][self.vouched[number] :] for run in order.decode(value)]
        for run in joined(runs):
            first = max(run.first, shard.offsets.get(run.topic, 0))
            if first < run.following:
                shard.apply(run.topic, self.logs[run.topic, number][first : run.following], again=True)

    def restored(self, number: int) -> Shard:
        """A shard that read this partition's changelog, as far as a meta record vouches for it."""
        shard = Shard(number, self.partitions, self.terms)
        changelog = self.changelogs[number]
        vouched = max((place for place, (key, _) in enumerate(changelog, start=1) if key == META), default=0)
        for key, value in changelog[:vouched]:
            shard.restore(key, value)
        assert shard.restored() is None
        return shard

    # --- what came out

    def leads(self) -> dict[str, Lead]:
        """Every lead's record, by its key."""
        found: dict[str, Lead] = {}
        for shard in self.shards:
            for key, record in shard.table.each():
                assert key not in found, "one key lives in one place"
                found[key] = record
        return found

    def lead(self, key: str) -> Lead:
        return self.leads()[key]


def _ask(survives: Callable[[str], bool], step: str) -> None:
    if not survives(step):
        raise Crash


META: Final = progress.KEY
