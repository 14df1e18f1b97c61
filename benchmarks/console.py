"""What the console takes with many leads: its pages at the median and the 95th percentile, memory, and a rebuild.

The core makes some hundred leads of generated journeys. Each is copied under many keys, with other names and
companies. How fast the feed's writer is, is measured on a few thousand of them; Kafka is not part of it.
"""

import argparse
import asyncio
import multiprocessing
import random
import sqlite3
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import ClientSession, web
from msgspec.structs import replace

from streams import model_file, topics
from streams.changes import Effect
from streams.console import view
from streams.console.audit import Audit
from streams.console.desk import Desk
from streams.console.feed import Feed
from streams.console.guard import Guard
from streams.console.hub import Hub
from streams.console.server import application
from streams.console.session import Sessions
from streams.console.store import INDEXES, Store
from streams.console.writer import Writer
from streams.follow_up.account import account_key
from streams.identity.keys import Secret, lead_keys
from streams.local import Local
from streams.scoring import lead as records
from streams.scoring.instant import DAY, HOUR, rfc3339
from streams.scoring.model import Model
from streams.settings import Settings
from streams.shard import Terms

SECRET: Final = Secret(b"only for measuring")
PROTOTYPES: Final = 4_000
"""Copies of one have equal scores, as no two real leads have, and a list looks at all of them: many of these, and
few copies of each."""
SAMPLE: Final = 5_000
BATCH: Final = 2_000
COLUMNS: Final = "stage, bound, last, entered, account"
PER_COMPANY: Final = 8
LEAD_PAGES: Final = 200
ROUNDS: Final = 8
LISTS: Final = (
    *("/leads", "/leads?stage=mql", "/leads?stage=sql", "/leads?sort=last", "/leads?stage=visitor"),
    *("/leads?held=1", "/leads?stage=lead&sort=entered", "/leads?q=Company%2012", "/leads?q=Ann%2077"),
    *("/leads?limit=400", "/accounts", "/accounts?q=company-5"),
)
PATHS: Final = ("/", "/pricing", "/product/scanner", "/blog/one", "/product/printer")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", type=int, default=1_000_000)


def run(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "read-model.sqlite"
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            built = pool.submit(build, path, options.leads).result()
        return {"leads": options.leads, **built, **asyncio.run(serve(path))}


# --- the population


def _model() -> Model:
    found = model_file.load("b2b")
    assert isinstance(found, Model), found
    return found


def journeys(rng: random.Random, now: int) -> Local:
    """Leads of all kinds, each with a lead's worth of events, over four months."""
    local = Local(Terms(_model(), SECRET))
    for number in range(PROTOTYPES):
        at = now - rng.randrange(DAY, 120 * DAY)
        who = {"email": f"p{number}@proto.example"} if rng.random() < 0.7 else {"anonymous_id": f"p{number}"}
        for turn in range(rng.choice((1, 2, 3, 5, 8, 14))):
            at = min(at + rng.randrange(HOUR // 6, 4 * DAY), now - HOUR)
            topic, event = _event(rng, who)
            said = {
                "event_id": f"{number}-{turn}",
                "occurred_at": rfc3339(at),
                "source_kind": "server",
                **who,
                **event,
            }
            local.feed(topic, msgspec.json.encode(said), at)
    return local


def _event(rng: random.Random, who: dict[str, str]) -> tuple[str, dict[str, Any]]:
    roll = rng.random()
    if roll < 0.5 or "email" not in who:
        return topics.WEB_VISITS, {"type": "page_viewed", "url": f"https://www.example.com{rng.choice(PATHS)}"}
    if roll < 0.7:
        return topics.WEB_VISITS, {
            "type": "content_downloaded",
            "offer_type": "whitepaper",
            "offer_id": f"o{roll}",
        }
    title = rng.choice(("Head of IT", "Engineer", "CEO", "Marketing Manager"))
    form = {"type": "form_submitted", "form_type": rng.choice(("demo", "contact", "newsletter")), "title": title}
    company = {"company": "Proto", "company_domain": "proto.example", "employees": "500", "country": "JP"}
    return topics.FORM_SUBMISSIONS, {**form, **company, "first_name": "Ann", "last_name": "Proto"}


class Prototype(NamedTuple):
    """A lead to be copied: its record, and the rows that the writer made of it."""

    value: bytes
    row: tuple[Any, ...]
    waiting: list[tuple[Any, ...]]
    moves: list[tuple[Any, ...]]


def build(path: Path, total: int) -> dict[str, Any]:
    """Fill the file; how fast the feed's own writer is, is told of the prototypes and of SAMPLE leads."""
    now = time.time_ns() // 1_000_000
    local = journeys(random.Random(7), now)
    writer = Writer(Store(path, "measured").begin(), local.terms.model, 1)
    table = {key: value for key, value in local.shards[0].table.dump().items() if not key.startswith("c-")}
    _write(writer, table, local.outputs.get(topics.LEAD_TRANSITIONS, []), now)
    prototypes = _prototypes(writer.connection, table)
    sample = {_key(-number): prototypes[number % len(prototypes)].value for number in range(1, SAMPLE + 1)}
    begun = time.process_time()
    _write(writer, sample, [], now)
    rate = SAMPLE / (time.process_time() - begun)
    for first in range(0, total, BATCH):
        _copy(writer.connection, prototypes, range(first, min(first + BATCH, total)))
    begun = time.process_time()
    writer.connection.executescript(INDEXES)
    writer.connection.execute("BEGIN")
    writer.count_accounts()
    writer.connection.execute("COMMIT")
    writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    indexed = time.process_time() - begun
    writer.connection.close()
    return {
        "leads_written_per_cpu_second": round(rate),
        "index_cpu_seconds": round(indexed, 1),
        "file_bytes": path.stat().st_size,
    }


def _key(number: int) -> str:
    return lead_keys(f"{number}@measured.example", None, None, SECRET)[0]


def _write(writer: Writer, table: dict[str, bytes], moves: list[Effect], now: int) -> None:
    writer.connection.execute("BEGIN")
    rows = [SimpleNamespace(key=key.encode(), value=value) for key, value in table.items()]
    writer.apply(topics.LEAD_SCORES, 0, rows, now)
    told = [SimpleNamespace(value=one.value, partition=0, offset=number) for number, one in enumerate(moves)]
    writer.apply(topics.LEAD_TRANSITIONS, 0, told, now)
    writer.connection.execute("COMMIT")


def _prototypes(connection: sqlite3.Connection, table: dict[str, bytes]) -> list[Prototype]:
    found: list[Prototype] = []
    for key, value in table.items():
        row = connection.execute(f"SELECT {COLUMNS} FROM leads WHERE key = ?", (key,)).fetchone()
        wait = connection.execute(
            "SELECT kind, at, deadline, handoff FROM waiting WHERE key = ?", (key,)
        ).fetchall()
        moves = connection.execute(
            "SELECT id, at, type, from_stage, to_stage, told FROM transitions WHERE key = ?", (key,)
        ).fetchall()
        found.append(Prototype(value, row, wait, moves))
    return found


def _copy(connection: sqlite3.Connection, prototypes: list[Prototype], numbers: range) -> None:
    """Leads of their own: key, name, company; what the core said of the prototype holds of each."""
    leads: list[tuple[Any, ...]] = []
    waiting: list[tuple[Any, ...]] = []
    moves: list[tuple[Any, ...]] = []
    for number in numbers:
        one, key, company = prototypes[number % len(prototypes)], _key(number), number // PER_COMPANY
        domain, name = f"company-{company}.example", f"Company {company}"
        lead = records.decode(one.value)
        told = {"company": name, "company_domain": domain, "last_name": f"Ann {number}"}
        for field in told.keys() & lead.attributes.keys():
            lead.attributes[field] = [replace(lead.attributes[field][-1], value=told[field])]
        value = records.encode(lead, one.value[1], *records.header(one.value)[2:])
        stage, bound, last, entered, account = one.row
        if account is None:
            leads.append((key, stage, bound, last, entered, None, None, None, None, value))
        else:
            known = (account_key(domain), domain, name, f"Ann {number}")
            leads.append((key, stage, bound, last, entered, *known, value))
        waiting += [(key, *cells) for cells in one.waiting]
        moves += [(f"{cells[0]}-{number}", key, *cells[1:5], 0, number, cells[5]) for cells in one.moves]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO leads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", leads)
    connection.executemany("INSERT INTO waiting VALUES (?, ?, ?, ?, ?)", waiting)
    connection.executemany("INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", moves)
    connection.execute("COMMIT")


# --- the pages


async def serve(path: Path) -> dict[str, Any]:
    """Ask a console of this file for its pages."""
    settings = Settings(broker="127.0.0.1:1", secret="only for measuring", delivery="at-least-once")
    store = Store(path, "measured")
    store.begin().close()
    feed = Feed(settings, store, _model(), lambda _: None)
    feed.ready.set()
    feed.trouble = None
    audit = Audit(path.with_suffix(".audit"))
    desk = Desk(settings, SECRET, store, feed, Hub(), audit, view.environment())
    runner = web.AppRunner(application(desk, Guard(None, b"", Sessions())), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    before = _resident()
    try:
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            found = await _measure(session, store)
    finally:
        await runner.cleanup()
        store.close()
        audit.close()
    return {
        **found,
        "memory_bytes_at_start": before,
        "memory_bytes": _resident(),
        "threads": threading.active_count(),
    }


async def _measure(session: ClientSession, store: Store) -> dict[str, Any]:
    with store.reading() as connection:
        (most,) = connection.execute("SELECT max(rowid) FROM leads").fetchone()
        numbers = [number * most // LEAD_PAGES + 1 for number in range(LEAD_PAGES)]
        keys = [connection.execute("SELECT key FROM leads WHERE rowid = ?", (n,)).fetchone()[0] for n in numbers]
    pages = {"lead": [f"/leads/{key}" for key in keys], "now": ["/"] * ROUNDS}
    result: dict[str, Any] = {
        name: _quantiles([await _ask(session, one) for one in asked]) for name, asked in pages.items()
    }
    lists = {path: [await _ask(session, path) for _ in range(ROUNDS)] for path in LISTS}
    result["lists"] = _quantiles([took for found in lists.values() for took in found])
    result["list_p95_ms"] = {path: _quantiles(found)["p95_ms"] for path, found in lists.items()}
    return result


async def _ask(session: ClientSession, path: str) -> float:
    begun = time.perf_counter()
    async with session.get(path) as answer:
        await answer.read()
        assert answer.status == 200, (path, answer.status)
    return (time.perf_counter() - begun) * 1000


def _quantiles(found: list[float]) -> dict[str, float]:
    ordered = sorted(found)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 1),
        "p95_ms": round(ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)], 1),
        "most_ms": round(ordered[-1], 1),
    }


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0
