"""The read model against a running pipeline: deleted under load it comes back, equal to one made from nothing."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

from streams.console.feed import Feed, identity, own_model
from streams.console.store import Store
from streams.console.writer import Notice
from streams.identity.keys import Secret
from streams.scoring.model import Model
from tests.cli.conftest import Cli, cli, environment
from tests.console.conftest import Running, until
from tests.console.test_live import demo_request

LEADS = 60
TABLES = {
    "leads": "key, stage, last, entered, account, domain, company, name, record",
    "waiting": "key, kind, at, deadline, handoff",
    "handoffs": "id, key, at, shadow, data",
    "updates": "id, key, handoff, at, change",
    "transitions": "id, key, at, type, from_stage, to_stage, told",
    "accounts": "key, domain, company, people, last",
}
__all__ = ["cli", "environment"]


def tables(path: Path) -> dict[str, list[Any]]:
    """All that a read model holds but where it is, which follows from the log's batches."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        found = {
            name: connection.execute(f"SELECT {columns} FROM {name}").fetchall()
            for name, columns in TABLES.items()
        }
    connection.close()
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def send_all(running: Running, done: threading.Event) -> None:
    for number in range(LEADS):
        who = f"reader{number}@readers.example"
        running.send("track", {"userId": who, "event": "Whitepaper Downloaded"})
        if number % 10 == 0:
            for call in demo_request(f"Caller{number}"):
                running.send(*call)
    done.set()


def fresh(running: Running, path: Path) -> dict[str, list[Any]]:
    """The tables of a read model that is built from nothing now."""
    secret, model = running.settings.require_secret(), own_model(running.settings)
    assert isinstance(secret, Secret)
    assert isinstance(model, Model)
    store = Store(path, identity(running.settings, secret.fingerprint()))
    feed = Feed(running.settings, store, model, lambda _: None)
    feed.start()
    try:
        until("it is built", feed.ready.is_set)
        return tables(path)
    finally:
        feed.stop()


def test_a_read_model_that_is_deleted_under_load_rebuilds_itself_and_ends_equal(
    running: Running, tmp_path: Path, cli: Cli
) -> None:
    done = threading.Event()
    load = threading.Thread(target=send_all, args=(running, done))
    load.start()
    before = running.store.stat().st_ino
    with running.store.open("rb"):  # so that its inode is not given to the new file
        running.store.unlink()
        until("there is another file", lambda: running.store.exists() and running.store.stat().st_ino != before)
    load.join()
    assert done.is_set()
    until("all leads are there", lambda: _leads(running) >= LEADS + LEADS // 10)
    until("all calls are handed over", lambda: _handoffs(running) >= LEADS // 10)
    until("it is what a fresh one is", lambda: fresh(running, tmp_path / "fresh.sqlite") == tables(running.store))
    given = {name: value for name, value in running.environment.items() if name.startswith("LEADSTREAMS_")}
    theirs = cli("leads", "--limit", "1000", "--json", **given).json()
    ours = running.get("/api/v1/leads?limit=1000")
    assert ours["counts"] == theirs["counts"]
    assert {one["lead_key"] for one in ours["leads"]} == {one["lead_key"] for one in theirs["leads"]}


def _leads(running: Running) -> int:
    try:
        return sum(running.get("/api/v1/leads")["counts"].values())
    except OSError:
        return 0


def _handoffs(running: Running) -> int:
    try:
        return int(running.get("/api/v1/now")["waiting"].get("handoff", {"waiting": 0})["waiting"])
    except OSError:
        return 0


def test_a_kept_file_goes_on_where_it_was_and_a_damaged_one_is_begun_anew(
    running: Running, tmp_path: Path
) -> None:
    path = tmp_path / "kept.sqlite"
    first = fresh(running, path)
    inode = path.stat().st_ino
    assert fresh(running, path) == first
    assert path.stat().st_ino == inode
    path.write_bytes(b"no database" * 1000)
    assert fresh(running, path) == first


async def test_what_is_new_is_told_once_the_beginning_is_over(running: Running, tmp_path: Path) -> None:
    secret, model = running.settings.require_secret(), own_model(running.settings)
    assert isinstance(secret, Secret)
    assert isinstance(model, Model)
    heard: list[Notice] = []
    store = Store(tmp_path / "told.sqlite", identity(running.settings, secret.fingerprint()))
    feed = Feed(running.settings, store, model, heard.extend)
    feed.start()
    try:
        await asyncio.to_thread(until, "it is built", feed.ready.is_set)
        assert heard == []
        for call in demo_request("Joan"):
            await asyncio.to_thread(running.send, *call)
        await asyncio.to_thread(until, "it is told", lambda: any(one.kind == "handoff" for one in heard))
    finally:
        await asyncio.to_thread(feed.stop)
    assert len([one for one in heard if one.kind == "handoff"]) == 1


def test_a_file_of_another_pipeline_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "read-model.sqlite"
    Store(path, "one").begin().close()
    inode = path.stat().st_ino
    store = Store(path, "one")
    store.begin().close()
    assert path.stat().st_ino == inode
    other = Store(path, "two")
    other.begin().close()
    with other.reading() as connection:
        assert connection.execute("SELECT value FROM about WHERE name = 'identity'").fetchone() == ("two",)
    other.close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_store_knows_that_its_file_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "read-model.sqlite"
    store = Store(path, "one")
    connection = store.begin()
    assert not store.lost()
    path.unlink()
    assert store.lost()
    connection.close()
