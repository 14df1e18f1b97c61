"""A replayed partition equals the live one, whatever its flushes were; and it notices what was done to either."""

import random

import msgspec
import pytest

from streams import progress, topics
from streams.replay import difference, partition
from streams.replay.partition import CannotFollow, digest
from streams.scoring.instant import HOUR
from streams.snapshot.file import Standing
from tests.replay.recorded import NOON, Worker, document, lived, replayed


@pytest.mark.parametrize("seed", range(12))
async def test_a_replay_in_the_recorded_order_gives_the_live_table_byte_for_byte(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = lived(seed)
    for records in (1, 13, 1_000_000):  # however often the replay takes its table
        monkeypatch.setattr(partition, "TAKE_RECORDS", records)
        found = await replayed(worker)
        assert difference.compare(found.table, worker.table) == []
        assert found.skipped == []
        owed = {
            (e.topic, e.partition, digest(e.key, e.value)) for e in worker.outputs if e.topic in partition.CHECKED
        }
        # Timers are the workers' doing: to a replay they come from the log.
        assert set(found.owed) <= owed
        assert {name for name in owed if name[0] != topics.LEAD_FORWARDS} <= set(found.owed)
        handoffs = {
            partition.handoff_of(e.headers): digest(e.key, e.value)
            for e in worker.outputs
            if e.topic == topics.SALES_HANDOFFS
        }
        assert found.handoffs == handoffs
        assert handoffs


@pytest.mark.parametrize("seed", range(12))
async def test_a_replay_from_a_snapshot_gives_the_live_table_and_what_was_given_out_since(seed: int) -> None:
    standings: list[tuple[Standing, int]] = []
    worker = lived(seed, met=lambda worker: standings.append((worker.standing(), len(worker.outputs))))
    for standing, outputs in standings[:: len(standings) // 3]:
        for runs in (worker.runs, worker.runs[standing.begin.order :]):  # those before it do no harm
            found = await replayed(worker, runs, standing)
            assert difference.compare(found.table, worker.table) == []
            assert found.skipped == []
            assert found.progress.offsets == worker.shard.offsets
            assert found.own == {key.encode(): value for key, value in worker.own.items()}
            since = {
                (e.topic, e.partition, digest(e.key, e.value))
                for e in worker.outputs[outputs:]
                if e.topic in (topics.LEAD_TRANSITIONS, topics.DEAD_LETTERS)
            }
            assert {name for name in found.owed if name[0] != topics.LEAD_FORWARDS} == since


async def test_a_replay_from_a_snapshot_of_other_terms_is_refused() -> None:
    worker = lived(3, events=40)
    standing = worker.standing()
    met = standing.progress
    met.secret = "another"
    standing.begin.meta = progress.encode(met)
    with pytest.raises(CannotFollow, match="another identity secret"):
        await replayed(worker, standing=standing)


async def test_runs_recorded_again_after_a_restart_are_applied_once() -> None:
    worker = lived(1)
    middle = len(worker.runs) // 2
    again = [*worker.runs[: middle + 5], *worker.runs[middle:]]
    found = await replayed(worker, again)
    assert difference.compare(found.table, worker.table) == []
    assert found.events == sum(len(records) for records in worker.log.values())


async def test_what_the_table_does_not_vouch_for_is_not_replayed() -> None:
    worker = Worker()
    worker.write(topics.EMAIL_ENGAGEMENT, document("email_opened", "1", NOON, email="a@example.com"), NOON)
    worker.work(random.Random(1), NOON)
    before = dict(worker.table)
    worker.write(topics.EMAIL_ENGAGEMENT, document("email_opened", "2", NOON, email="a@example.com"), NOON)
    worker.work(random.Random(1), NOON)
    found = await replayed(worker, email_engagement=1)
    assert difference.compare(found.table, before) == []
    assert found.events == 1 + len(worker.log.get(topics.LEAD_TRANSITIONS, ()))


async def test_a_record_that_nobody_recorded_as_applied_is_named() -> None:
    worker = lived(2)
    place = next(n for n, run in enumerate(worker.runs) if run.topic == topics.WEB_VISITS and run.first > 3)
    gap = worker.runs[place]
    found = await replayed(worker, [*worker.runs[:place], *worker.runs[place + 1 :]])
    assert [(s.topic, s.first, s.records) for s in found.skipped] == [
        (topics.WEB_VISITS, gap.first, gap.following - gap.first)
    ]


async def test_an_event_dropped_by_the_live_side_is_a_difference_of_its_lead() -> None:
    """The worker counted one less than it recorded."""
    worker = lived(3)
    opened = next(
        n for n, r in enumerate(worker.log[topics.EMAIL_ENGAGEMENT]) if r.value and b"email_opened" in r.value
    )
    worker.log[topics.EMAIL_ENGAGEMENT][opened] = msgspec.structs.replace(
        worker.log[topics.EMAIL_ENGAGEMENT][opened],
        value=document("email_opened", "other", NOON, email="p0@example.com"),
    )
    found = await replayed(worker)
    differences = difference.compare(found.table, worker.table)
    assert differences
    assert all(d.kind == "lead" for d in differences)


async def test_another_order_than_the_recorded_one_is_seen() -> None:
    """A request to erase and an event of the same person do not commute."""
    worker = Worker()
    worker.write(topics.EMAIL_ENGAGEMENT, document("email_opened", "1", NOON - HOUR, email="a@example.com"), NOON)
    worker.work(random.Random(1), NOON)
    worker.write(topics.SALES_FEEDBACK, document("lead_erased", "2", NOON, email="a@example.com"), NOON)
    worker.write(topics.WEB_VISITS, document("page_viewed", "3", NOON + 1, email="a@example.com"), NOON + 1)
    worker.shard.apply(topics.SALES_FEEDBACK, worker.log[topics.SALES_FEEDBACK])
    worker.shard.apply(topics.WEB_VISITS, worker.log[topics.WEB_VISITS])
    worker.flush(NOON)
    assert difference.compare((await replayed(worker)).table, worker.table) == []
    swapped = [*worker.runs[:-2], worker.runs[-1], worker.runs[-2]]
    assert difference.compare((await replayed(worker, swapped)).table, worker.table) != []
