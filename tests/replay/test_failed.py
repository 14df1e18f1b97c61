"""What the workers' core failed at is a dead letter, and a replay passes over it whatever its own core can do."""

import random
from collections.abc import AsyncIterator

import pytest

from schemas.dead_letter import Headers, Reason
from streams import topics
from streams.lane.record import Record
from streams.order import Run
from streams.replay import difference
from streams.replay.partition import Cursor, Failed, Replay, Replayed, digest
from tests.replay.recorded import Worker, lived, terms

FAILURE = "ZeroDivisionError"


class Failing(Worker):
    """A worker whose core fails at some records: it refuses them, as the lane tells it to."""

    def __init__(self, log: dict[str, list[Record]], failed: Failed) -> None:
        super().__init__()
        self.log = {name: list(records) for name, records in log.items() if name in topics.INPUTS}
        self.failed = failed
        apply = self.shard.apply

        def applying(topic: str, records: list[Record], again: bool = False) -> None:
            for record in records:
                if record.offset in failed.get(topic, {}):
                    self.shard.refuse(topic, record, FAILURE)
                else:
                    assert apply(topic, [record], again) is None

        self.shard.apply = applying  # type: ignore[assignment,method-assign]


async def replayed(worker: Worker, failed: Failed, chance: random.Random) -> Replayed:
    upto = {name: len(records) for name, records in worker.log.items()}
    cursors = {name: Cursor(_batches(worker.log[name], chance)) for name in upto}
    return await Replay(0, 1, terms(), lambda records: None, failed).run(_all(worker.runs), cursors, upto)


async def _batches(records: list[Record], chance: random.Random) -> AsyncIterator[list[Record]]:
    while records:
        size = chance.choice((1, 3, 20))
        batch, records = records[:size], records[size:]
        yield batch


async def _all(runs: list[Run]) -> AsyncIterator[Run]:
    for run in runs:
        yield run


@pytest.mark.parametrize("seed", range(6))
async def test_a_replay_refuses_the_same_records_and_gives_the_same_table(seed: int) -> None:
    chance = random.Random(seed)
    log = lived(seed).log
    failed: Failed = {
        topic: {offset: FAILURE for offset in range(len(log[topic])) if chance.random() < 0.1}
        for topic in (topics.WEB_VISITS, topics.FORM_SUBMISSIONS)
    }
    worker = Failing(log, failed)
    worker.work(chance, max(records[-1].timestamp for records in log.values()))

    found = await replayed(worker, failed, chance)
    assert difference.compare(found.table, worker.table) == []
    letters = [effect for effect in worker.outputs if effect.topic == topics.DEAD_LETTERS]
    told = [Headers.decode(effect.headers) for effect in letters]
    refused = {(h.source_topic, h.source_offset) for h in told if h and h.reason is Reason.SCORING_ERROR}
    assert refused == {(topic, offset) for topic, places in failed.items() for offset in places}
    assert all(found.owed[topics.DEAD_LETTERS, 0, digest(e.key, e.value)] for e in letters)

    without = await replayed(worker, {}, chance)
    assert difference.compare(without.table, worker.table) != []
