import re
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from streams.connectors.sql import Sql, SqlSink
from tests.connectors.conftest import settings_of
from tests.connectors.handoffs import event, handoff, handoff_id, lead_key, update
from tests.connectors.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    found = postgres.database()
    monkeypatch.setenv("SQL_URL", found)
    return found


def settings(more: str = "") -> Sql:
    made = settings_of(f"kind: sql\nurl: {{env: SQL_URL}}\n{more}")
    assert isinstance(made, Sql)
    return made


@pytest.fixture
async def sink(url: str) -> AsyncIterator[SqlSink]:
    made = SqlSink(settings())
    yield made
    await made.close()


async def deliver(sink: SqlSink, *values: bytes) -> list[Outcome]:
    return await sink.deliver([event(value) for value in values])


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c search_path=leadstreams") as connection:
        return connection.execute(query.encode()).fetchall()


async def test_a_handoff_is_a_row_of_its_lead_and_one_of_its_own(sink: SqlSink, url: str) -> None:
    assert await deliver(sink, handoff(0, employees=320.0), handoff(1)) == [Delivered(), Delivered()]
    wanted = "SELECT lead_key, handoff_id, name, company, employees, respond_by::text FROM leads ORDER BY email"
    first = rows(url, wanted)[0]
    assert first[:5] == (lead_key(0), handoff_id(0), "田中 美香", "例示製作所", 320.0)
    assert first[5].startswith("2026-11-03 ")
    assert rows(url, "SELECT event->>'email' FROM handoffs ORDER BY 1") == [
        ("lead0@example.jp",),
        ("lead1@example.jp",),
    ]


async def test_a_repeat_makes_nothing_new_and_an_older_cycle_changes_nothing(sink: SqlSink, url: str) -> None:
    for value in (handoff(0, 1), handoff(0, 2), handoff(0, 1), handoff(0, 2), handoff(0, 1)):
        await deliver(sink, value)
    assert rows(url, "SELECT cycle FROM leads") == [(2,)]
    assert rows(url, "SELECT cycle FROM handoffs ORDER BY 1") == [(1,), (2,)]


async def test_updates_are_kept_and_stamp_the_lead(sink: SqlSink, url: str) -> None:
    await deliver(sink, handoff(0))
    for change in ("opted_out", "opted_out", "became_customer", "new_request"):
        await deliver(sink, update(0, change))
    await deliver(sink, update(0, "merged", merged_into=lead_key(9)))
    assert rows(url, "SELECT opted_out_at IS NULL, became_customer_at IS NULL, merged_into FROM leads") == [
        (False, False, lead_key(9))
    ]
    assert rows(url, "SELECT count(*) FROM updates") == [(4,)]


async def test_an_erasure_leaves_nothing_of_the_person_and_nothing_old_brings_it_back(
    sink: SqlSink, url: str
) -> None:
    await deliver(sink, handoff(0, message="私の電話"))
    await deliver(sink, update(0, "new_request", message="いくら"))
    await deliver(sink, update(0, "erased"))
    await deliver(sink, handoff(0, message="私の電話"))  # a connector that was cut off comes back
    told = str(rows(url, "SELECT leads, handoffs, updates FROM leads, handoffs, updates"))
    assert not any(text in told for text in ("美香", "example.jp", "私の電話", "いくら"))
    assert rows(url, "SELECT erased_at IS NOT NULL FROM leads") == [(True,)]


async def test_one_refused_event_does_not_fail_its_batch(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA leadstreams")
    made = SqlSink(settings())
    await deliver(made, handoff(9))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE leadstreams.leads ADD CHECK (country IS DISTINCT FROM 'XX')")
    outcomes = await deliver(made, handoff(0), handoff(1, country="XX"), handoff(2))
    assert outcomes == [Delivered(), Refused("SQLSTATE 23514 (CheckViolation)"), Delivered()]
    assert rows(url, "SELECT count(*) FROM leads") == [(3,)]
    await made.close()


async def test_columns_of_your_own_are_filled(url: str) -> None:
    first = SqlSink(settings())
    await deliver(first, handoff(0))
    await first.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE leadstreams.leads ADD COLUMN headline text")
    made = SqlSink(settings('fields: {headline: {text: "{who}: {score}"}}\n'))
    assert await deliver(made, handoff(0)) == [Delivered()]
    await made.close()
    assert rows(url, "SELECT headline FROM leads") == [("田中 美香, 例示製作所: 50",)]


async def test_a_missing_column_waits_for_an_operator(url: str) -> None:
    made = SqlSink(settings("fields: {headline: reason}\n"))
    (outcome,) = await deliver(made, handoff(0))
    assert isinstance(outcome, Postponed)
    assert outcome.everyone
    assert outcome.operator
    await made.close()


async def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch, postgres: Postgres) -> None:
    with Postgres() as own:
        monkeypatch.setenv("SQL_URL", own.url())
        made = SqlSink(settings())
        assert await deliver(made, handoff(0)) == [Delivered()]
        own.kill()
        for _ in range(2):
            (outcome,) = await deliver(made, handoff(1))
            assert isinstance(outcome, Postponed)
            assert outcome.everyone
        own.start()
        assert await deliver(made, handoff(1)) == [Delivered()]
        await made.close()


async def test_control_characters_and_formulas_are_not_stored(sink: SqlSink, url: str) -> None:
    assert await deliver(sink, handoff(0, message="=1+cmd()\x00\x07", phone="+81 3 1234")) == [Delivered()]
    assert rows(url, "SELECT message, phone, event->>'message' FROM leads JOIN handoffs USING (lead_key)") == [
        ("'=1+cmd()", "+81 3 1234", "'=1+cmd()")
    ]


def test_the_shipped_tables_hold_every_field_of_the_handoff() -> None:
    from streams.connectors.sql import DATA, MIGRATIONS

    ddl = "".join(path.read_text() for path in sorted(MIGRATIONS.glob("*.sql")))
    leads = ddl[ddl.index("CREATE TABLE leads") : ddl.index(");")]
    added = re.findall(r"ALTER TABLE leads ADD COLUMN IF NOT EXISTS (\w+) ", ddl)
    assert [name for name in DATA if f"    {name} " not in leads and name not in added] == []
