"""Kills about once a second and a CRM that fails in every way: each lead is there once, and as it should be.

LEADSTREAMS_LONG=1 takes 10,000 leads for each receiver instead of 500.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams import topics
from streams.broker import EmbeddedBroker, end, guarded
from streams.connectors.sql import migrate
from streams.settings import Settings
from tests.cli.records import records
from tests.connectors import fake_hubspot, fake_salesforce
from tests.connectors.conftest import shipped
from tests.connectors.connecting import publish, topics_of
from tests.connectors.fake_hubspot import FakeHubSpot
from tests.connectors.fake_salesforce import FakeSalesforce
from tests.connectors.handoffs import handoff, handoff_id, lead_key, update
from tests.connectors.postgres import Postgres

pytestmark = pytest.mark.embedded

LONG = os.environ.get("LEADSTREAMS_LONG") == "1"
LEADS = 10_000 if LONG else 500
KILLS = 60 if LONG else 3
PATIENCE_S = 3_600.0 if LONG else 120.0
FAILING = 0.04
"""The share of calls that go wrong."""

SEED = int(os.environ.get("LEADSTREAMS_SEED", "1"))


def story() -> list[tuple[str, bytes]]:
    """Every lead is handed over; some a second time, some opt out in between; interleaved as in a real log."""
    log: list[tuple[float, str, bytes]] = []
    for number in range(LEADS):
        at = float(number)
        log.append((at, lead_key(number), handoff(number)))
        if number % 5 == 0:
            log.append((at + 1.5, lead_key(number), update(number, "opted_out")))
        if number % 7 == 0:
            log.append((at + 3.5, lead_key(number), handoff(number, cycle=2)))
    return [(key, value) for _, key, value in sorted(log, key=lambda entry: entry[0])]


def events() -> int:
    return len(story())


@contextmanager
def killed(
    name: str, settings: Settings, config: str, fake: str, directory: Path, secrets: dict[str, str]
) -> Iterator[Callable[[], int]]:
    """The connector and its killer; gives the number of kills so far."""
    file = directory / f"{name}.yaml"
    file.write_text(config)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("LEADSTREAMS_")},
        **secrets,
        "LEADSTREAMS_BROKER": settings.broker,
        "LEADSTREAMS_DELIVERY": settings.delivery,
        "LEADSTREAMS_INSTANCE": "one",
        # The embedded broker gives a dead member's partitions away when its session is over, named or not.
        "LEADSTREAMS_SESSION_TIMEOUT_S": "3",
        "PYTHONUNBUFFERED": "1",
        "KILLED_BATCH": "20" if LONG else "5",
    }
    command = [
        sys.executable,
        "-m",
        "tests.connectors.killed_connector",
        name,
        str(file),
        fake,
        str(KILLS),
        str(SEED),
    ]
    printed = directory / f"{name}.log"
    with printed.open("wb") as output:
        process: subprocess.Popen[bytes] = guarded(command, output, environment)
    try:
        yield lambda: printed.read_text(errors="replace").count("killed\n")
        assert process.poll() is None, printed.read_text()[-3000:]
    finally:
        end(process, signal.SIGTERM, 10.0)
    assert "Traceback" not in printed.read_text(), printed.read_text()[-5000:]
    assert "example.jp" not in printed.read_text()


def wait_until(condition: Callable[[], bool], said: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.2)


@pytest.fixture
async def settings(own_embedded: EmbeddedBroker) -> Settings:
    made = Settings(broker=own_embedded.bootstrap, delivery="at-least-once")
    topics_of(made)
    await publish(made, story())
    return made


def slowly(config: str) -> str:
    """Small deliveries at a pace that makes the work last longer than the kills."""
    paced = config.replace("per_second: 2\n", "")
    return f"{paced}\nattempts: 1000\nconcurrency: 2\nper_second: 25\n"


WITNESS = b"""
CREATE TABLE witness (number bigserial, lead_key text, what text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO leadstreams.witness (lead_key, what)
    VALUES (NEW.lead_key, CASE TG_TABLE_NAME WHEN 'updates' THEN 'update' ELSE NEW.handoff_id END);
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT ON handoffs FOR EACH ROW EXECUTE FUNCTION noted();
CREATE TRIGGER witness AFTER INSERT ON updates FOR EACH ROW EXECUTE FUNCTION noted();
"""
"""Notes each row at the instant of its birth: the tables themselves do not tell in what order they were filled."""


async def with_a_witness(url: str) -> None:
    """The connector's own tables, and beside them the order in which their rows come."""
    async with await psycopg.AsyncConnection.connect(url, options="-c search_path=leadstreams") as connection:
        await migrate(connection, "leadstreams")
        await connection.execute(WITNESS)


def witnessed(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """What became of each lead, in order."""
    history: dict[str, list[str]] = {}
    for key, what in connection.execute(b"SELECT lead_key, what FROM leadstreams.witness ORDER BY number"):
        history.setdefault(key, []).append(what)
    return history


def first_and_last_in_order(history: list[str], wanted: list[str]) -> bool:
    """Repeats aside: what came first stands before what came later, first seen and last seen."""
    firsts = list(dict.fromkeys(history))
    lasts = list(dict.fromkeys(reversed(history)))[::-1]
    return firsts == wanted == lasts


def expected(number: int) -> list[str]:
    second = [handoff_id(number, 2)] if number % 7 == 0 else []
    return [handoff_id(number), *(["update"] if number % 5 == 0 else []), *second]


def test_salesforce_has_each_lead_once(
    settings: Settings, httpserver: HTTPServer, salesforce: FakeSalesforce, secrets: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(SEED)

    def fail(_: Request) -> Response | None:
        if chance.random() > FAILING:
            return None
        salesforce.tokens += chance.random() < 0.2
        code, name = chance.choice([(500, "UNKNOWN_EXCEPTION"), (503, "SERVER_UNAVAILABLE"), (429, "x")])
        return fake_salesforce.error(code, name, {"Retry-After": "0"} if code != 500 else None)

    salesforce.before = salesforce.after = fail
    salesforce.refuse = lambda _sobject, _record: (
        fake_salesforce.failed("UNABLE_TO_LOCK_ROW") if chance.random() < 0.02 else None
    )
    with killed(
        "salesforce", settings, slowly(shipped("salesforce")), httpserver.url_for("/"), tmp_path, secrets
    ) as kills:
        wait_until(
            lambda: len(salesforce.records["Task"]) >= events() and kills() == KILLS,
            lambda: (len(salesforce.records["Lead"]), len(salesforce.records["Task"]), events(), kills()),
        )
    leads = salesforce.records["Lead"].values()
    assert sorted(lead[fake_salesforce.KEY] for lead in leads) == sorted(map(lead_key, range(LEADS)))
    assert len(salesforce.records["Task"]) == events()
    by_key = {lead[fake_salesforce.KEY]: lead for lead in leads}
    for number in range(LEADS):
        assert first_and_last_in_order(salesforce.history[lead_key(number)], expected(number)), number
        lead = by_key[lead_key(number)]
        assert lead["Leadstreams_Handoff__c"] == handoff_id(number, 2 if number % 7 == 0 else 1)
        assert lead.get("HasOptedOutOfEmail", False) is (number % 5 == 0)
    assert records(settings.broker, topics.DEAD_LETTERS) == []


def test_hubspot_has_each_contact_once(
    settings: Settings, httpserver: HTTPServer, hubspot: FakeHubSpot, secrets: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(SEED)

    def fail(_: Request) -> Response | None:
        if chance.random() > FAILING:
            return None
        return chance.choice(
            [
                fake_hubspot.too_many(**{"Retry-After": "0"}),
                fake_hubspot.error(502, "x"),
                fake_hubspot.error(503, "x"),
            ]
        )

    hubspot.before = hubspot.after = fail
    hubspot.refuse = lambda _: "INTERNAL_ERROR" if chance.random() < 0.02 else None
    config = slowly(shipped("hubspot"))
    with killed("hubspot", settings, config, httpserver.url_for("").rstrip("/"), tmp_path, secrets) as kills:
        wait_until(
            lambda: len(hubspot.links) >= events() and kills() == KILLS,
            lambda: (len(hubspot.contacts), len(hubspot.notes), len(hubspot.links), events(), kills()),
        )
    keys = [contact[fake_hubspot.KEY] for contact in hubspot.contacts.values()]
    assert sorted(keys) == sorted(map(lead_key, range(LEADS)))
    assert len(hubspot.notes) == len(hubspot.links) == events()
    for number in range(LEADS):
        assert first_and_last_in_order(hubspot.history[lead_key(number)], expected(number)), number
    assert records(settings.broker, topics.DEAD_LETTERS) == []


async def test_postgresql_has_each_lead_once_though_it_is_killed_too(
    settings: Settings, postgres: Postgres, tmp_path: Path
) -> None:
    with Postgres(durable=True) as server:
        secrets = {"LEADSTREAMS_SQL_URL": server.database()}
        await with_a_witness(secrets["LEADSTREAMS_SQL_URL"])
        found: dict[str, int] = {}

        def counted() -> bool:
            found["kills"] = kills()
            try:
                with psycopg.connect(secrets["LEADSTREAMS_SQL_URL"]) as connection:
                    query = (
                        b"SELECT (SELECT count(*) FROM leadstreams.handoffs) + count(*) FROM leadstreams.updates"
                    )
                    found["rows"] = connection.execute(query).fetchall()[0][0]
            except psycopg.Error:
                return False
            return found["rows"] >= events() and found["kills"] == KILLS

        with killed("sql", settings, slowly(shipped("sql")), "", tmp_path, secrets) as kills:
            for _ in range(2):
                time_of_next = kills() + 2
                wait_until(lambda: kills() >= min(time_of_next, KILLS), lambda: found)  # noqa: B023
                server.kill()
                server.start()
            wait_until(counted, lambda: (found, events()))
        with psycopg.connect(secrets["LEADSTREAMS_SQL_URL"]) as connection:
            rows = connection.execute(
                b"SELECT lead_key, handoff_id, opted_out_at IS NOT NULL FROM leadstreams.leads"
            ).fetchall()
            history = witnessed(connection)
    assert history == {lead_key(number): expected(number) for number in range(LEADS)}
    wanted = {(lead_key(n), handoff_id(n, 2 if n % 7 == 0 else 1), n % 5 == 0) for n in range(LEADS)}
    assert len(rows) == LEADS
    assert set(rows) == wanted
