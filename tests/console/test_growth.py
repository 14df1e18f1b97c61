"""What a page asks of the read model does not grow with the leads, and what is counted beside them is right.

The work of a page is told in steps of SQLite's virtual machine, which are the same on every machine.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from streams import topics
from streams.console import funnel, now_page
from streams.console.store import QUARTER, TABLES, Store
from streams.console.writer import Writer
from streams.local import Local
from streams.scoring.instant import DAY, HOUR
from streams.scoring.model import Model
from streams.shard import Terms
from tests.console.shelf import NOW, SECRET, Shelf, event, model, written

FEW, TIMES = 400, 8
SLOTS = 60
"""Instants at which people do something: moves are counted by the quarter of an hour, however many there are."""
ROW = 50
"""Steps of the machine are counted in tens of these; a row is about as many."""
MOST_GROWTH = 1.5
LISTS = (
    *("/leads", "/leads?stage=mql", "/leads?stage=sql", "/leads?stage=visitor", "/leads?sort=last"),
    *("/leads?held=1", "/leads?stage=lead&sort=entered", "/leads?q=Company%2012", "/leads?q=Ann%2077"),
    *("/accounts", "/accounts?q=company-1", "/", "/now/figures", "/api/v1/now"),
)


def people(count: int) -> Local:
    """Leads of all stages over four weeks, one in five of whom waits for an answer."""
    rng, local = Random(3), Local(Terms(model(), SECRET), 2)
    for number in range(count):
        at = NOW - DAY - rng.randrange(SLOTS) * 9 * HOUR
        who: dict[str, Any] = {"email": f"ann{number}@company-{number // 3}.example"}
        known = {"first_name": "Ann", "last_name": f"{number}", "company": f"Company {number // 3}"}
        size = {"employees": "500", "country": "JP", "title": "Head of IT"}
        if number % 5 == 0:
            said = event("form_submitted", at, number, form_type="demo", **who, **known, **size)
            local.feed(topics.FORM_SUBMISSIONS, said, at)
        elif number % 5 == 4:
            said = event(
                "page_viewed", at, number, url="https://www.example.com/pricing", anonymous_id=f"a{number}"
            )
            local.feed(topics.WEB_VISITS, said, at)
        else:
            papers = {"offer_type": "whitepaper", "offer_id": f"w{number}"}
            for turn in range(number % 5):
                then = at + turn * HOUR
                said = event("content_downloaded", then, number * 10 + turn, **papers, **who, **known, **size)
                local.feed(topics.WEB_VISITS, said, then)
    return local


def filled(directory: Path, count: int) -> Shelf:
    local, store = people(count), Store(directory / f"{count}.sqlite", "tests")
    written(store, local, NOW).connection.close()
    return Shelf(store, local, NOW, directory / "audit.jsonl")


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shelf, Shelf]]:
    directory = tmp_path_factory.mktemp("growth")
    found = filled(directory, FEW), filled(directory, FEW * TIMES)
    yield found
    for one in found:
        one.store.close()


class Meter:
    """Steps of all connections to a read model while it is watched, in tens."""

    def __init__(self) -> None:
        self.steps = 0
        self._lock = threading.Lock()

    def step(self) -> int:
        with self._lock:
            self.steps += 1
        return 0

    @contextmanager
    def watching(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        reading = store.reading

        @contextmanager
        def metered() -> Iterator[sqlite3.Connection]:
            with reading() as connection:
                connection.set_progress_handler(self.step, 10)
                try:
                    yield connection
                finally:
                    connection.set_progress_handler(None, 10)

        with monkeypatch.context() as patched:
            patched.setattr(store, "reading", metered)
            yield


async def test_the_work_of_a_page_does_not_grow_with_the_leads(
    shelves: tuple[Shelf, Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What holds leads back is counted of all of them, beside the pages: docs/console.md says so.
    monkeypatch.setattr(now_page.HeldCount, "count", nothing_held)
    monkeypatch.setattr(now_page, "now", lambda: NOW)
    monkeypatch.setattr("streams.console.list_page.now", lambda: NOW)
    monkeypatch.setattr("streams.console.account_page.now", lambda: NOW)
    spent: list[dict[str, int]] = []
    for shelf in shelves:
        found: dict[str, int] = {}
        async with TestClient(TestServer(shelf.app())) as client:
            for path in LISTS:
                meter = Meter()
                with meter.watching(shelf.store, monkeypatch):
                    answer = await client.get(path)
                    assert answer.status == 200, path
                    await answer.read()
                found[path] = meter.steps
        spent.append(found)
    few, many = spent
    assert all(few.values())
    grown = {path: (few[path], many[path]) for path in LISTS if many[path] > MOST_GROWTH * few[path] + ROW}
    assert not grown


async def nothing_held(*_: object) -> tuple[dict[str, int], int]:
    return {}, NOW


# --- what is counted beside the records


@pytest.fixture(scope="module")
def judge() -> Model:
    return model()


def test_moves_by_day_are_those_of_the_transitions(shelves: tuple[Shelf, Shelf]) -> None:
    with shelves[1].store.reading() as connection:
        rows = connection.execute("SELECT at, to_stage FROM transitions WHERE type = 'stage_changed'").fetchall()
        rng = Random(1)
        for _ in range(200):
            first = rng.choice([NOW - rng.randrange(30 * DAY), rng.choice(rows)[0] + rng.choice([-1, 0, 1])])
            last = first + rng.choice([0, 1, QUARTER - 1, QUARTER, 3 * QUARTER + 7, DAY - 1, 9 * DAY])
            found = {stage: number for stage, number in funnel._moves(connection, first, last).items() if number}
            assert found == Counter(stage for at, stage in rows if first <= at <= last)


@effort(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, NOW - 1, NOW, NOW + 1, NOW - DAY, NOW + DAY]))))
def test_who_waits_is_counted_as_they_come_and_go(changes: list[tuple[int, int]]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(TABLES)
    for key, deadline in changes:
        connection.execute("DELETE FROM waiting WHERE key = ?", (str(key),))
        if key % 3:
            connection.execute("INSERT INTO waiting VALUES (?, 'handoff', 5, ?, 'h')", (str(key), deadline))
    rows = [deadline for (deadline,) in connection.execute("SELECT deadline FROM waiting")]
    found = funnel.total_waiting(connection, NOW)
    late = sum(0 < deadline < NOW for deadline in rows)
    assert found == ({"handoff": {"waiting": len(rows), "overdue": late}} if rows else {})
    connection.close()


def test_a_transition_told_twice_counts_once_and_one_that_is_forgotten_no_more(tmp_path: Path) -> None:
    local = people(20)
    store = Store(tmp_path / "twice.sqlite", "tests")
    writer: Writer = written(store, local, NOW)
    before = counted(writer)
    assert sum(before.values()) > 20
    again = [
        SimpleNamespace(key=one.key, value=one.value, partition=0, offset=number, timestamp=NOW)
        for number, one in enumerate(local.outputs[topics.LEAD_TRANSITIONS])
    ]
    writer.apply(topics.LEAD_TRANSITIONS, 0, again, NOW)
    assert counted(writer) == before
    writer.prune(topics.LEAD_TRANSITIONS, 0, len(again))
    assert counted(writer) == Counter()
    writer.connection.close()


def counted(writer: Writer) -> Counter[str]:
    return Counter(
        dict(writer.connection.execute("SELECT stage, sum(number) FROM moves GROUP BY stage").fetchall())
    )
