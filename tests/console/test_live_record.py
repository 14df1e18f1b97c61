"""The record that a lead page shows: who may ask a worker for it, what a worker tells, and who is believed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from streams import live_record, topics
from streams.broker import LOOPBACK
from streams.changes import Durable
from streams.console import live as lives
from streams.console.desk import DESK, now
from streams.console.live import LIVE, Live
from streams.identity.keys import Secret, partition_of
from streams.scoring.instant import DAY, rfc3339
from streams.seal import FRESH_MS, Seal
from streams.shard import Shard
from tests.console import shelf as shelves
from tests.console.conftest import Running
from tests.console.shelf import Shelf, shelf
from tests.kafka import pipeline
from tests.laboratory import Crash, Laboratory, key_of, terms_of
from tests.persons import topic_of
from tests.test_identity_journeys import LATER
from tests.test_shard import person

SECRET = Secret(pipeline.SECRET.encode())
SEAL = Seal(SECRET, "crash")
NOW = 1_790_000_000_000
ADA = key_of(email="ada@looms.example")
BOB = key_of(email="bob@looms.example")


# --- what a partition may tell


def newest(changelog: Sequence[tuple[bytes, bytes | None]]) -> dict[str, bytes | None]:
    return {key.decode(): value for key, value in changelog}


@effort(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_what_a_partition_tells_of_a_lead_is_in_its_changelog(seed: int, exactly_once: bool) -> None:
    rng = Random(seed)
    lab = Laboratory(terms_of(exactly_once=exactly_once), 2, rng)
    for document in person(rng):
        lab.send(document, topic_of(document), at=LATER)
    keys: set[str] = {ADA}
    told = 0
    while unread := lab.unread():
        number, topic = rng.choice(unread)
        try:
            lab.shards[number].apply(
                topic, lab.logs[topic, number][lab.shards[number].offsets.get(topic, 0) :][:2]
            )
            if rng.random() < 0.5:
                lab.flush(number, lambda _: rng.random() < 0.95)
        except Crash:
            assert lab.shards[number].durable(ADA) is None, "nobody knows what became of its flush"
            lab.restart(number)
        if rng.random() < 0.1:
            lab.shards[number].issue_ticks(LATER + rng.randrange(200) * DAY)
        for shard in lab.shards:
            keys |= set(shard.table)
            told += tells_the_truth(shard, lab, keys)
    assert told


def tells_the_truth(shard: Shard, lab: Laboratory, keys: set[str]) -> int:
    """How much is told; all of it is in the changelog, and all that was applied before its offsets in it."""
    written, count = newest(lab.changelogs[shard.number]), 0
    for key in keys:
        if partition_of(key, lab.partitions) == shard.number and (found := shard.durable(key)) is not None:
            assert found.value == written.get(key)
            assert all(offset <= shard.offsets[topic] for topic, offset in found.offsets.items())
            count += 1
    return count


def test_nothing_is_told_between_a_flush_and_its_confirmation() -> None:
    lab = Laboratory(terms_of(), 1, Random(1))
    for document in person(Random(1)):
        lab.send(document, topic_of(document), at=LATER)
    lab.run()
    (shard,) = lab.shards
    key = next(iter(shard.table))
    before = shard.durable(key)
    assert before is not None
    shard.table.touch(key)
    assert shard.durable(key) is None
    shard.take()
    assert shard.durable(key) is None
    shard.confirm()
    assert shard.durable(key) == Durable(before.value, shard.offsets)


def test_what_a_sweep_drops_and_another_model_settles_is_told_once_it_is_durable() -> None:
    lab = Laboratory(terms_of(), 1, Random(1))
    seen = {
        "type": "page_viewed",
        "url": "https://www.example.com/",
        "occurred_at": rfc3339(LATER),
        "event_id": "1",
    }
    lab.send({**seen, "anonymous_id": "d1"}, topics.WEB_VISITS, at=LATER)
    lab.run()
    (shard,) = lab.shards
    (key,) = shard.table
    before = shard.durable(key)
    shard.table.touch(key)
    shard.table.settle(shard.model)
    assert shard.durable(key) is None
    lab.flush(0)
    assert shard.durable(key) == before
    lab.now = LATER + 500 * DAY
    for horizon in (lab.now, lab.now + DAY):
        shard.issue_ticks(horizon)
        lab.flush(0)
    applied = shard.offsets.get(topics.LEAD_FORWARDS, 0)
    shard.apply(topics.LEAD_FORWARDS, lab.logs[topics.LEAD_FORWARDS, 0][applied:])
    assert list(shard.table) == []
    assert shard.durable(key) is None
    lab.flush(0)
    assert shard.durable(key) == Durable(None, shard.offsets)


# --- who may ask


def test_a_question_holds_for_its_lead_its_pipeline_and_some_seconds() -> None:
    signed = SEAL.sign(ADA, NOW)
    assert SEAL.is_signed(ADA, signed, NOW + FRESH_MS)
    assert SEAL.is_signed(ADA, signed, NOW - FRESH_MS)
    assert not SEAL.is_signed(ADA, signed, NOW + FRESH_MS + 1)
    assert not SEAL.is_signed(ADA, signed, NOW - FRESH_MS - 1)
    assert not SEAL.is_signed(BOB, signed, NOW)
    assert not Seal(SECRET, "another").is_signed(ADA, signed, NOW)
    assert not Seal(Secret(b"another"), "crash").is_signed(ADA, signed, NOW)
    assert SECRET.value not in signed.encode()


@given(st.text(max_size=80))
def test_what_nobody_signed_is_not_signed(text: str) -> None:
    for authorization in (
        text,
        f"Leadstreams {text}",
        f"Leadstreams {NOW}.{text}",
        f"Leadstreams {NOW}.aa.{text}",
    ):
        assert not SEAL.is_signed(ADA, authorization, NOW)


def test_a_signed_instant_cannot_be_moved() -> None:
    stamp, _, mac = SEAL.sign(ADA, NOW).rpartition(".")
    later = stamp.replace(str(NOW), str(NOW + 60_000))
    assert not SEAL.is_signed(ADA, f"{later}.{mac}", NOW + 60_000)


def test_an_answer_is_for_one_question_and_cannot_be_read_or_made_by_others() -> None:
    signed, again = SEAL.sign(ADA, NOW), SEAL.sign(ADA, NOW)
    answer = SEAL.close(b"ada@looms.example", signed)
    assert SEAL.open(answer, signed) == b"ada@looms.example"
    assert b"ada" not in answer
    assert SEAL.open(answer, again) is None
    assert SEAL.open(answer[:-1] + bytes([answer[-1] ^ 1]), signed) is None
    assert SEAL.open(b"", signed) is None
    assert Seal(Secret(b"another"), "crash").open(answer, signed) is None


async def test_a_worker_tells_nothing_to_who_does_not_sign(running: Running) -> None:
    secret = running.settings.require_secret()
    assert isinstance(secret, Secret)
    ours, theirs = Seal(secret, "leadstreams"), Seal(Secret(b"guessed"), "leadstreams")
    key = running.get("/api/v1/leads")["leads"][0]["lead_key"] if running.get("/api/v1/leads")["leads"] else ADA
    at = now()
    url = f"http://{LOOPBACK}:{running.settings.worker_port}/leads/{key}/record"
    wrong = {
        "unsigned": {},
        "stale": {"Authorization": ours.sign(key, at - 60_000)},
        "of another secret": {"Authorization": theirs.sign(key, at)},
        "for another lead": {"Authorization": ours.sign(BOB, at)},
        "of another pipeline": {"Authorization": Seal(secret, "other").sign(key, at)},
        "a bearer": {"Authorization": "Bearer abc"},
    }
    async with ClientSession() as session:
        for what, headers in wrong.items():
            async with session.get(url, headers=headers) as answer:
                assert (answer.status, await answer.text()) == (401, "not signed\n"), what
        async with session.get(url, headers={"Authorization": ours.sign(key, now())}) as answer:
            assert answer.status == 200
            assert key.encode() not in await answer.read()
        other = url.replace(key, "meta")
        async with session.get(other, headers={"Authorization": ours.sign("meta", now())}) as answer:
            assert answer.status == 401


# --- whom the console believes


@asynccontextmanager
async def answering(found: Durable | None, status: int = 200, seal: Seal = SEAL) -> AsyncIterator[str]:
    """A process that gives one answer to every question; its address."""

    async def record(request: web.Request) -> web.Response:
        if found is None:
            return web.Response(status=status, text="not here\n")
        return web.Response(body=seal.close(live_record.encode(found), request.headers["Authorization"]))

    app = web.Application()
    app.add_routes([web.get(live_record.PATH, record)])
    async with TestServer(app) as server:
        yield f"{server.host}:{server.port}"


async def asked(addresses: Sequence[str], seen: dict[str, int], seal: Seal = SEAL) -> Durable | None:
    live = Live(seal, addresses)
    try:
        return await live.ask(ADA, 0, seen, 5.0)
    finally:
        await live.close(web.Application())


async def test_who_has_applied_less_than_was_read_is_not_believed() -> None:
    zombie, owner = Durable(b"old", {"web-visits": 5, "x": 3}), Durable(b"new", {"web-visits": 7})
    async with answering(zombie) as one, answering(owner) as two, answering(None, 421) as three:
        assert await asked([one], {"web-visits": 5}) == zombie
        assert await asked([one], {"web-visits": 6}) is None
        assert await asked([one], {"web-visits": 5, "lead-forwards": 1}) is None
        assert await asked([one, two, three], {"web-visits": 6}) == owner
        assert await asked([three], {}) is None
        assert await asked([one], {}, Seal(Secret(b"another"), "crash")) is None
        assert await asked([], {}) is None


async def test_a_process_that_hangs_costs_one_page_its_patience_and_the_next_ones_nothing() -> None:
    hanging, over = asyncio.Event(), asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hanging.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(hang, LOOPBACK, 0)
    live = Live(SEAL, [f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"])
    loop = asyncio.get_running_loop()
    try:
        begun = loop.time()
        assert await live.ask(ADA, 0, {}, lives.WITHIN_S) is None
        assert hanging.is_set()
        assert loop.time() - begun < 5 * lives.WITHIN_S
        hanging.clear()
        assert await live.ask(ADA, 0, {}, lives.WITHIN_S) is None
        assert not hanging.is_set(), "nobody was asked"
    finally:
        over.set()
        await live.close(web.Application())
        server.close()
        await server.wait_closed()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Shelf]:
    found = shelf(tmp_path)
    yield found
    found.store.close()


@asynccontextmanager
async def console(filled: Shelf, address: str) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A console on a read model of two partitions that asks the process at this address."""
    app = filled.app()
    app[DESK].feed.partitions = 2
    live = app[LIVE] = Live(Seal(shelves.SECRET, "leadstreams"), [address])
    app.on_cleanup.append(live.close)
    async with TestClient(TestServer(app)) as client:
        yield client


async def lead(client: TestClient[web.Request, web.Application], key: str) -> tuple[str, Any]:
    async with client.get(f"/api/v1/leads/{key}") as answer:
        assert answer.status == 200
        return answer.headers["X-Leadstreams-Record"], await answer.json()


async def status(client: TestClient[web.Request, web.Application], key: str) -> int:
    async with client.get(f"/api/v1/leads/{key}") as answer:
        return answer.status


async def test_what_only_its_worker_knows_of_a_lead_is_shown(filled: Shelf) -> None:
    shard = filled.local.shards[partition_of(filled.plain, 2)]
    value = shard.table.dump()[filled.plain]
    seal = Seal(shelves.SECRET, "leadstreams")
    with sqlite3.connect(filled.store.path) as connection:  # it has not been read yet
        connection.execute("DELETE FROM leads")
    connection.close()
    async with answering(Durable(value, {}), seal=seal) as address, console(filled, address) as client:
        record, told = await lead(client, filled.plain)
        assert (record, told["lead_key"], told["stage"]) == ("live", filled.plain, "sql")
    async with answering(None, 421) as address, console(filled, address) as client:
        assert await status(client, filled.plain) == 404


async def test_a_record_that_this_version_cannot_read_or_that_changes_leaves_the_copy(filled: Shelf) -> None:
    seal = Seal(shelves.SECRET, "leadstreams")
    async with answering(Durable(b"\x7f later", {}), seal=seal) as address, console(filled, address) as client:
        record, told = await lead(client, filled.plain)
        assert (record, told["stage"]) == ("changelog", "sql")
    async with answering(None, 503) as address, console(filled, address) as client:
        assert (await lead(client, filled.plain))[0] == "changelog"
    async with answering(Durable(None, {}), seal=seal) as address, console(filled, address) as client:
        assert await status(client, filled.plain) == 404, "its worker has dropped it"
