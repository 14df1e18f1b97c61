"""The live record with two workers on a broker: equal in quiet, durable under load, after moves and deaths."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr

from streams import admin, log, topics
from streams.broker import LOOPBACK
from streams.changes import Durable
from streams.console import listing
from streams.console import live as lives
from streams.console.desk import Desk
from streams.console.live import Live
from streams.console.server import Plan, consoling, plan
from streams.identity.keys import Secret, partition_of
from streams.kafka_client import client_options
from streams.lane.restore import LogReader
from streams.scoring import lead as records
from streams.scoring.instant import rfc3339
from streams.seal import Seal
from streams.settings import Settings
from streams.table import ALIASED
from tests.console.test_pages import same
from tests.kafka import pipeline
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import until
from tests.kafka.pipeline import Worker, command
from tests.kafka.traffic import traffic, write

SECRET = Secret(pipeline.SECRET.encode())
SEAL = Seal(SECRET, "crash")
PER_SECOND = 800
ENOUGH = 20
LEAST_ROUNDS, MOST_ROUNDS = 4, 40
"""Of traffic: a busy machine's workers seldom answer within a page's time, so the load goes on until some have."""


class Fleet:
    """Two workers on a broker of their own, and the settings of a console that watches both."""

    def __init__(self, broker: KafkaBroker, directory: Path) -> None:
        self.bootstrap = broker.bootstrap
        self.workers = [Worker(self.bootstrap, name, directory / f"{name}.log") for name in ("one", "two")]
        self.settings = Settings(
            broker=self.bootstrap,
            secret=SecretStr(pipeline.SECRET),
            pipeline="crash",
            model=pipeline.MODEL,
            console_port=0,
            console_watch=",".join(f"{LOOPBACK}:{worker.port}" for worker in self.workers),
        )
        with admin.connect(self.settings) as client:
            admin.create(client, self.settings)
        for worker in self.workers:
            worker.start()

    def await_quiet(self, *workers: Worker) -> None:
        pipeline.await_quiet(list(workers) or self.workers)

    def send(self, count: int, seed: int) -> None:
        found = traffic(count, 60, self.settings.partitions, seed, SECRET)
        asyncio.run(write(self.bootstrap, found, PER_SECOND))

    def explain(self, key: str) -> Any:
        return command(self.bootstrap, "explain", key)[1]

    def plan(self) -> Plan:
        found = plan(self.settings)
        assert isinstance(found, Plan), found
        return found


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        found = Fleet(broker, tmp_path_factory.mktemp("live"))
        try:
            found.await_quiet()
            found.send(600, 1)
            found.await_quiet()
            yield found
        finally:
            for worker in found.workers:
                if worker.running:
                    worker.kill()


class Page(msgspec.Struct):
    """One answer of the API, and whose record it is made of."""

    status: int
    record: str | None
    body: Any


class Asker:
    """A console, its keys, and a client."""

    def __init__(self, session: ClientSession, desk: Desk) -> None:
        self.session = session
        self.desk = desk

    async def lead(self, key: str) -> Page:
        async with self.session.get(f"/api/v1/leads/{key}") as answer:
            body = await answer.json() if answer.status == 200 else None
            return Page(answer.status, answer.headers.get("X-Leadstreams-Record"), body)

    async def keys(self) -> list[str]:
        """One lead of each partition that has one."""
        async with self.session.get("/api/v1/leads?limit=200") as answer:
            every = [one["lead_key"] for one in (await answer.json())["leads"]]
        by_partition = {partition_of(key, self.desk.feed.partitions): key for key in every}
        return list(by_partition.values())

    async def all_live(self, seconds: float = 60) -> None:
        """Until a worker tells a lead of every partition."""
        async with asyncio.timeout(seconds):
            while {(await self.lead(key)).record for key in await self.keys()} != {"live"}:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


@asynccontextmanager
async def console(fleet: Fleet) -> AsyncIterator[Asker]:
    async with consoling(fleet.plan()) as (port, desk), ClientSession(f"http://{LOOPBACK}:{port}") as session:
        await asyncio.to_thread(until, desk.feed.ready.is_set, 30, "the read model")
        yield Asker(session, desk)


async def test_in_quiet_the_live_record_says_what_explain_says(fleet: Fleet) -> None:
    async with console(fleet) as asker:
        await asker.all_live()
        keys = await asker.keys()
        assert len(keys) == fleet.settings.partitions
        for key in keys:
            page = await asker.lead(key)
            assert page.record == "live"
            same(page.body, await asyncio.to_thread(fleet.explain, key))
        async with asker.session.get(f"/leads/{keys[0]}") as answer:
            assert "the record that its worker holds" in await answer.text()
        async with asker.session.get(f"/api/v1/leads/{keys[0]}/score") as answer:
            assert answer.headers["X-Leadstreams-Record"] == "live"


async def test_an_alias_leads_to_its_lead_over_workers(fleet: Fleet) -> None:
    async with console(fleet) as asker:
        await asker.all_live()

        def aliases(connection: Any) -> list[str]:
            rows = connection.execute("SELECT key FROM leads WHERE stage = ? LIMIT 3", (ALIASED,))
            return [key for (key,) in rows]

        found = await asker.desk.read(aliases)
        assert found
        for alias in found:
            page, said = await asker.lead(alias), await asyncio.to_thread(fleet.explain, alias)
            assert (page.record, page.body["asked"]) == ("live", alias)
            assert page.body["lead_key"] == said["lead_key"]


async def test_under_load_the_live_record_is_durable_and_never_behind_the_copy(fleet: Fleet) -> None:
    done, enough = threading.Event(), threading.Event()

    def load() -> None:
        for number in range(MOST_ROUNDS):
            if number >= LEAST_ROUNDS and enough.is_set():
                break
            fleet.send(1500, 10 + number)
        done.set()

    told: dict[int, list[tuple[str, Durable]]] = defaultdict(list)
    async with console(fleet) as asker:
        await asker.all_live()
        keys, count = await asker.keys(), asker.desk.feed.partitions
        live = Live(SEAL, fleet.settings.console_watch.split(","))
        sending = asyncio.create_task(asyncio.to_thread(load))
        while not done.is_set():
            for key in keys:
                number = partition_of(key, count)
                copy = await asker.desk.read(partial(lives.copy, key=key, partition=number))
                found = await live.ask(key, number, {}, lives.WITHIN_S)
                if found is None:
                    continue
                told[number].append((key, found))
                if sum(map(len, told.values())) > ENOUGH:
                    enough.set()
                assert all(found.offsets.get(topic, 0) >= offset for topic, offset in copy.seen.items())
                assert found.value is not None
                assert copy.value is not None
                assert records.decode(found.value).arrival >= records.decode(copy.value).arrival
        await sending
        await live.close(web.Application())
    assert enough.is_set()
    for number, answers in told.items():
        held = await every_record(fleet.settings, number)
        assert all((key, found.value) in held for key, found in answers)
    await asyncio.to_thread(fleet.await_quiet)


async def every_record(settings: Settings, number: int) -> set[tuple[str, bytes | None]]:
    """All that a partition's changelog ever held."""
    async with LogReader(client_options(settings), "test") as reader:
        return {
            (record.key.decode(), record.value)
            async for batch in reader.read(topics.LEAD_SCORES, number)
            for record in batch
            if record.key is not None
        }


async def test_a_partition_that_moves_is_found_again_and_without_workers_the_copy_is_shown(fleet: Fleet) -> None:
    one, two = fleet.workers
    async with console(fleet) as asker:
        await asker.all_live()
        keys = await asker.keys()
        before = {key: await asyncio.to_thread(fleet.explain, key) for key in keys}
        await asyncio.to_thread(two.stop)
        pages = [await asker.lead(key) for key in keys]
        assert {page.status for page in pages} == {200}
        assert "changelog" in {page.record for page in pages}
        for key, page in zip(keys, pages, strict=True):
            same(page.body, before[key])
        await asker.all_live()  # all of it is the other's now
        await asyncio.to_thread(one.stop)
        for key in keys:
            page = await asker.lead(key)
            assert page.record == "changelog"
            same(page.body, before[key])
        async with asker.session.get(f"/leads/{keys[0]}") as answer:
            assert "As of the changelog" in await answer.text()
        one.start()
        two.start()
        await asker.all_live()
    await asyncio.to_thread(fleet.await_quiet)


async def test_a_worker_that_was_frozen_while_its_partitions_moved_is_not_believed(fleet: Fleet) -> None:
    one, two = fleet.workers
    async with console(fleet) as asker:
        await asker.all_live()
        keys = await asker.keys()
        one.freeze()
        try:
            await asyncio.to_thread(
                until, lambda: two.ready and owns(two) == fleet.settings.partitions, 60, "a move"
            )
            await asyncio.to_thread(fleet.send, 600, 30)
            await asyncio.to_thread(fleet.await_quiet, two)
            truth = {key: await asyncio.to_thread(fleet.explain, key) for key in keys}
            await asyncio.to_thread(until, lambda: read_all(asker, truth), 30, "the read model")
        finally:
            one.thaw()
        for _ in range(20):
            for key in keys:
                page = await asker.lead(key)
                assert page.body["last_event"] == truth[key]["last_event"]
                assert len(page.body["points"]) == len(truth[key]["points"])
        await asyncio.to_thread(fleet.await_quiet)
        await asker.all_live()


OPEN = 'leadstreams_partitions{state="open"}'


def owns(worker: Worker) -> int:
    """How many partitions are open there."""
    lines = worker.get("/metrics")[1].splitlines()
    return sum(int(float(one.rpartition(" ")[2])) for one in lines if one.startswith(OPEN))


def read_all(asker: Asker, truth: dict[str, Any]) -> bool:
    """Whether the read model has what the changelog has of these leads."""
    with asker.desk.store.reading() as connection:
        for key, said in truth.items():
            value = listing.record(connection, key)
            if value is None or rfc3339(log.lead(key, value).clock) != said["last_event"]:
                return False
    return True
