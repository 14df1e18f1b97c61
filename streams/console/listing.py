"""Who is where, from the read model: the same rows in the same order as those of `leadstreams leads`."""

import heapq
import sqlite3
import time
from typing import Final, NamedTuple

import msgspec

from streams import account_record, log, roster
from streams.account_record import STAGE as ACCOUNT
from streams.identity import link
from streams.inquiry import MOST_HOPS, Found
from streams.roster import RANKS, Choice, Order, Roster, Row
from streams.scoring.instant import DAY
from streams.scoring.lead import Stage
from streams.scoring.model import Model

ACTIVE: Final = 30 * DAY
"""Somebody who did something within so long is active."""
BETWEEN_PAUSES: Final = 10
PAUSE_S: Final = 0.01
"""Ten leads take two milliseconds: a fifth of one core, in a process where one thread computes at a time."""
COLUMNS: Final = {Order.SCORE: "bound", Order.LAST: "last", Order.ENTERED: "entered"}
LEADS: Final = "+stage < 126"
"""Not companies, nor aliases; the index of the order is the one to use."""


class Account(msgspec.Struct, frozen=True):
    """A company: how many of its people are known, and what is known of it. Instants in Unix ms."""

    account_key: str
    domain: str
    company: str | None
    people: int
    active_30d: int
    last: int
    relationship: str | None
    owner: str | None
    open_handoffs: int


class Company(NamedTuple):
    """What was said of a company as a whole."""

    relationship: str | None
    owner: str | None


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Leads by stage."""
    found = dict(connection.execute("SELECT stage, number FROM tally WHERE stage < 126").fetchall())
    return {stage.word: found[stage] for stage in Stage if found.get(stage)}


def chosen(connection: sqlite3.Connection, choice: Choice, model: Model, at: int) -> Roster:
    """As `roster.read`, of the read model."""
    if choice.order == Order.SCORE:
        keys = _by_score(connection, choice, model, at)
    else:
        keys = _by_column(connection, choice, model)
    rows = [roster.row(key, log.lead(key, value), model, at) for key, value in keys]
    return Roster(rows, counts(connection))


def _where(choice: Choice) -> str:
    if choice.held and choice.stage not in (None, Stage.MQL):
        return "0"
    stage = Stage.MQL if choice.held else choice.stage
    return LEADS if stage is None else f"stage = {int(stage)}"


def _nobody_held(choice: Choice, model: Model) -> bool:
    return choice.held and model.source.handoff.stage == "mql"


def _by_column(connection: sqlite3.Connection, choice: Choice, model: Model) -> list[tuple[str, bytes]]:
    if _nobody_held(choice, model):
        return []
    column = COLUMNS[choice.order]
    return connection.execute(
        f"SELECT key, record FROM leads WHERE {_where(choice)} ORDER BY {column} DESC, key DESC LIMIT ?",  # noqa: S608
        (choice.limit,),
    ).fetchall()


def _by_score(connection: sqlite3.Connection, choice: Choice, model: Model, at: int) -> list[tuple[str, bytes]]:
    """The highest scores as of the instant: those with the highest bounds are looked at until no other can be
    higher."""
    if _nobody_held(choice, model):
        return []
    best: list[tuple[float, str, bytes]] = []
    for key, value, bound in connection.execute(
        f"SELECT key, record, bound FROM leads WHERE {_where(choice)} ORDER BY bound DESC, key DESC"  # noqa: S608
    ):
        if len(best) == choice.limit and (bound, key) < best[0][:2]:
            break
        entry = RANKS[Order.SCORE](log.lead(key, value), model, at), key, value
        if len(best) < choice.limit:
            heapq.heappush(best, entry)
        elif entry > best[0]:
            heapq.heapreplace(best, entry)
    return [(key, value) for _, key, value in sorted(best, reverse=True)]


def found_by(connection: sqlite3.Connection, text: str, limit: int, *, names: bool) -> list[str]:
    """The keys of leads whose company begins so; with `names` also those whose name does."""
    bounds, columns = (text, f"{text}\U0010ffff"), ("company", "name") if names else ("company",)
    union = " UNION ".join(
        f"SELECT * FROM (SELECT key FROM leads WHERE {name} >= ? COLLATE NOCASE AND {name} < ? COLLATE NOCASE"  # noqa: S608
        f" AND {LEADS} LIMIT {int(limit)})"
        for name in columns
    )
    return [key for (key,) in connection.execute(union, bounds * len(columns))][:limit]


def of_keys(connection: sqlite3.Connection, keys: list[str], model: Model, at: int) -> list[Row]:
    """The rows of these leads, the highest score first."""
    rows = [roster.row(key, log.lead(key, value), model, at) for key in keys if (value := record(connection, key))]
    return sorted(rows, key=lambda row: (row.score, row.lead_key), reverse=True)


def find(connection: sqlite3.Connection, keys: list[str]) -> Found | None:
    """As `inquiry.find`: the record of the first of the keys that has one, aliases followed."""
    for asked in keys:
        key, before = asked, None
        for _ in range(MOST_HOPS):
            value = record(connection, key)
            if value is None:
                break
            before = Found(key, asked, log.lead(key, value), None)
            target = link.target(key, before.lead)
            if target is None:
                break
            key = target
        if before is not None:
            return before
    return None


def record(connection: sqlite3.Connection, key: str) -> bytes | None:
    """A record's bytes."""
    found = connection.execute("SELECT record FROM leads WHERE key = ?", (key,)).fetchone()
    return None if found is None else found[0]


def held(connection: sqlite3.Connection, model: Model, at: int, *, patient: bool = False) -> dict[str, int]:
    """How many marketing-qualified leads each missing condition holds, the most frequent first; `patient`: leave
    most of the time to the pages."""
    found: dict[str, int] = {}
    mql = connection.execute("SELECT key, record FROM leads WHERE stage = ?", (int(Stage.MQL),))
    for number, (key, value) in enumerate(mql, 1):
        for code in dict.fromkeys(roster.row(key, log.lead(key, value), model, at).held):
            found[code] = found.get(code, 0) + 1
        if patient and number % BETWEEN_PAUSES == 0:
            time.sleep(PAUSE_S)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


# --- accounts


def accounts(connection: sqlite3.Connection, at: int, limit: int, text: str = "") -> list[Account]:
    """The companies whose people did something last; with a text, those whose domain begins so, by domain."""
    where = "WHERE domain >= ? AND domain < ? ORDER BY domain, key" if text else "ORDER BY last DESC, key DESC"
    given: tuple[object, ...] = (text.lower(), f"{text.lower()}\U0010ffff") if text else ()
    found = connection.execute(
        f"SELECT key FROM accounts {where} LIMIT ?",  # noqa: S608
        (*given, limit),
    ).fetchall()
    return [one for (key,) in found if (one := account(connection, key, at)) is not None]


def account(connection: sqlite3.Connection, key: str, at: int) -> Account | None:
    """One company, None if none of its people is known."""
    found = connection.execute(
        "SELECT domain, company, people, last FROM accounts WHERE key = ?", (key,)
    ).fetchone()
    if found is None:
        return None
    domain, company, people, last = found
    (active,) = connection.execute(
        "SELECT count(*) FROM leads WHERE account = ? AND last > ?", (key, at - ACTIVE)
    ).fetchone()
    (handoffs,) = connection.execute(
        "SELECT count(*) FROM leads l CROSS JOIN waiting w USING (key)"
        " WHERE l.account = ? AND +w.kind = 'handoff'",
        (key,),
    ).fetchone()
    said = _company(connection, key)
    return Account(key, domain, company, people, active, last, said.relationship, said.owner, handoffs)


def people(connection: sqlite3.Connection, key: str, model: Model, at: int, limit: int) -> list[Row]:
    """The people of a company, who did something last first."""
    found = connection.execute(
        "SELECT key, record FROM leads WHERE account = ? ORDER BY last DESC, key DESC LIMIT ?", (key, limit)
    )
    return [roster.row(name, log.lead(name, value), model, at) for name, value in found]


def _company(connection: sqlite3.Connection, key: str) -> Company:
    found = connection.execute("SELECT record FROM leads WHERE key = ? AND stage = ?", (key, ACCOUNT)).fetchone()
    if found is None:
        return Company(None, None)
    said = account_record.decode(found[0]).attributes

    def newest(name: str) -> str | None:
        versions = said.get(name)
        return str(max(versions, key=lambda version: (version.at, version.id)).value) if versions else None

    return Company(newest("relationship"), newest("owner"))
