"""A worker's partition without Kafka: what it applies is logged and its order recorded, as the lane does it."""

import random
from collections.abc import AsyncIterator, Callable, Iterable

import msgspec

from streams import model_file, order, progress, topics
from streams.changes import Effect
from streams.identity.keys import Secret
from streams.lane.record import Record
from streams.order import Run
from streams.replay.partition import Cursor, Replay, Replayed
from streams.scoring.instant import DAY, HOUR, MINUTE, rfc3339
from streams.scoring.model import Model
from streams.shard import Shard, Terms
from streams.snapshot.file import Begin, Standing

SECRET = Secret(b"a secret for tests")
NOON = 1_793_620_800_000  # 2026-11-02T12:00Z
LOOPS = (topics.LEAD_FORWARDS, topics.LEAD_TRANSITIONS, topics.ACCOUNT_ACTIVITIES)


def published() -> Model:
    model = model_file.load("published")
    assert isinstance(model, Model)
    return model


def terms() -> Terms:
    return Terms(published(), SECRET)


def document(kind: str, event_id: str, at: int, **more: object) -> bytes:
    return msgspec.json.encode({"event_id": event_id, "type": kind, "occurred_at": rfc3339(at), **more})


class Worker:
    """One partition of one: a log of each topic, the order records, and what was given out."""

    def __init__(self) -> None:
        self.log: dict[str, list[Record]] = {}
        self.runs: list[Run] = []
        self.outputs: list[Effect] = []
        self.shard = Shard(0, 1, terms())
        self.own: dict[str, bytes] = {}
        self._read: dict[str, int] = {}

    def standing(self) -> Standing:
        """A snapshot of now, right after a flush."""
        begin = Begin(progress.encode(self.shard.progress), len(self.runs), {}, dict(self.own))
        return Standing(begin, dict(self.table))

    def write(self, topic: str, value: bytes | None, at: int, key: bytes | None = b"") -> None:
        records = self.log.setdefault(topic, [])
        records.append(Record(topic, 0, len(records), at, key, value, []))

    def work(self, chance: random.Random, now: int) -> None:
        """Read whatever there is in batches of any size, and flush at any time."""
        while unread := [name for name, records in self.log.items() if self._read.get(name, 0) < len(records)]:
            name = chance.choice(unread)
            first = self._read.get(name, 0)
            batch = self.log[name][first : first + chance.choice((1, 2, 7, 50))]
            assert self.shard.apply(name, batch) is None
            self._read[name] = batch[-1].offset + 1
            if chance.random() < 0.3:
                self.flush(now)
        self.flush(now)

    def flush(self, now: int) -> None:
        changes = self.shard.take()
        self.shard.confirm()
        self.runs += order.decode(changes.order) if changes.order else []
        self.outputs += changes.effects
        self.own |= {key.decode(): value for key, value in changes.table if key in progress.OWN and value}
        for effect in changes.effects:
            if effect.topic in LOOPS:
                self.write(effect.topic, effect.value, now, effect.key)

    @property
    def table(self) -> dict[str, bytes]:
        return self.shard.table.dump()


def lived(seed: int, events: int = 300, met: Callable[[Worker], None] = lambda worker: None) -> Worker:
    """A month of a few leads with everything that happens to leads, in disorder. `met` is called after flushes."""
    chance = random.Random(seed)
    worker = Worker()
    now = NOON
    for number in range(events):
        now += chance.choice((MINUTE, HOUR, 5 * HOUR))
        person = chance.randrange(8)
        who = {"email": f"p{person}@example.com"}
        device = {"anonymous_id": f"device-{person}"}
        at = now - chance.choice((0, 0, 0, HOUR, 3 * DAY, 70 * DAY))
        topic, kind, more = chance.choice(
            (
                (topics.WEB_VISITS, "page_viewed", device),
                (topics.WEB_VISITS, "page_viewed", device),
                (topics.EMAIL_ENGAGEMENT, "email_opened", who),
                (topics.FORM_SUBMISSIONS, "form_submitted", {**who, **device, "form_type": "whitepaper"}),
                (topics.LEAD_ACTIVITIES, "sales_contacted", who),
                (topics.SALES_FEEDBACK, "handoff_rejected", {**who, "reason": "timing"}),
                (topics.SALES_FEEDBACK, "lead_erased", who) if number % 50 == 0 else (topics.WEB_VISITS, "x", who),
            )
        )
        worker.write(topic, document(kind, f"e{number}", at, **more), now)
        if chance.random() < 0.2:
            worker.shard.issue_ticks(now)
            worker.work(chance, now)
            met(worker)
    worker.work(chance, now)
    return worker


async def replayed(
    worker: Worker, runs: Iterable[Run] | None = None, standing: Standing | None = None, **limits: int
) -> Replayed:
    """The worker's log through the replay, from a snapshot on if there is one; a topic's limit is its whole log
    unless given (with _ for -)."""
    upto = {name: len(records) for name, records in worker.log.items()}
    upto |= {name.replace("_", "-"): limit for name, limit in limits.items()}
    chance = random.Random(7)
    since = standing.progress.offsets if standing is not None else {}
    cursors = {
        name: Cursor(_batches(worker.log[name][since.get(name, 0) : limit], chance))
        for name, limit in upto.items()
    }
    replay = Replay(0, 1, terms(), lambda records: None, standing=standing)
    return await replay.run(_all(worker.runs if runs is None else runs), cursors, upto)


async def _batches(records: list[Record], chance: random.Random) -> AsyncIterator[list[Record]]:
    while records:
        size = chance.choice((0, 1, 3, 20))
        batch, records = records[:size], records[size:]
        yield batch


async def _all(runs: Iterable[Run]) -> AsyncIterator[Run]:
    for run in runs:
        yield run
