"""What goes on now: the flow between stages against last weeks, what was handed over, who waits for an answer."""

import sqlite3
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streams.console.row import HANDOFF
from streams.console.store import QUARTER
from streams.follow_up.calendar import Calendar, hours_between
from streams.scoring.instant import NEVER, rfc3339, zone
from streams.scoring.model import Model

WEEKS: Final = 4
DAYS: Final = 28
STEPS: Final = ("lead", "mql", "sql", "accepted", "opportunity", "customer", "recycled", "disqualified")
WAITING: Final = """
SELECT w.key, w.kind, w.at, w.deadline, w.handoff, l.name, l.company,
  (SELECT data FROM handoffs h WHERE h.id = w.handoff),
  (SELECT told FROM transitions t WHERE t.key = w.key AND t.at = w.at AND t.type = w.kind LIMIT 1)
FROM (
  SELECT key, kind, at, deadline, handoff FROM waiting WHERE kind = ?
  ORDER BY deadline = 0, deadline, at, key LIMIT ?
) w CROSS JOIN leads l USING (key)
"""
AWAITED: Final = """
SELECT kind, sum(number), sum(CASE WHEN quarter BETWEEN 1 AND ? THEN number ELSE 0 END) FROM awaited GROUP BY kind
"""
OVERDUE: Final = (
    "SELECT count(*) FROM waiting WHERE kind = ? AND (deadline = 0) = 0 AND deadline >= ? AND deadline < ?"
)
MOVED: Final = "SELECT stage, sum(number) FROM moves WHERE quarter BETWEEN ? AND ? GROUP BY stage"
MOVES: Final = """
SELECT to_stage, count(*) FROM transitions WHERE type = 'stage_changed' AND at BETWEEN ? AND ? GROUP BY to_stage
"""


class Flow(msgspec.Struct, frozen=True):
    """Moves into a stage: since midnight, and on average by this hour of the same weekday of the last weeks."""

    stage: str
    today: int
    usual: float


class Day(msgspec.Struct, frozen=True):
    """Moves into stages on one day of the model's time zone."""

    day: str
    mql: int
    sql: int


class Handed(msgspec.Struct, frozen=True):
    """A handoff as a list shows it; what is personal is None for who may not see it, or after erasure."""

    id: str
    lead_key: str
    at: str
    shadow: bool
    name: str | None
    title: str | None
    company: str | None
    score: float | None
    grade: str | None
    reason: str | None
    criteria: str | None
    message: str | None
    approach: str | None
    queue: str | None
    owner: str | None
    priority: str | None
    respond_by: str | None


class Open(msgspec.Struct, frozen=True):
    """Somebody waits for an answer. `hours_left`: business hours of the queue, negative when overdue."""

    kind: str
    lead_key: str
    handoff: str | None
    at: str
    respond_by: str | None
    hours_left: float | None
    queue: str | None
    owner: str | None
    name: str | None
    company: str | None
    reason: str | None


def flow(connection: sqlite3.Connection, now: int, zone_name: str) -> list[Flow]:
    """The moves of today beside those of the same weekday."""
    today = _moves(connection, _midnight(now, zone_name), now)
    before: dict[str, int] = {}
    for week in range(1, WEEKS + 1):
        until = _earlier(now, zone_name, 7 * week)
        for stage, number in _moves(connection, _midnight(until, zone_name), until).items():
            before[stage] = before.get(stage, 0) + number
    return [Flow(stage, today.get(stage, 0), before.get(stage, 0) / WEEKS) for stage in STEPS]


def days(connection: sqlite3.Connection, now: int, zone_name: str) -> list[Day]:
    """The last four weeks, day by day."""
    found: list[Day] = []
    for back in range(DAYS - 1, -1, -1):
        instant = _earlier(now, zone_name, back)
        first = _midnight(instant, zone_name)
        following = _midnight(_earlier(now, zone_name, back - 1), zone_name) if back else now + 1
        moves = _moves(connection, first, following - 1)
        day = f"{datetime.fromtimestamp(first / 1000, zone(zone_name)):%Y-%m-%d}"
        found.append(Day(day, moves.get("mql", 0), moves.get("sql", 0)))
    return found


def _moves(connection: sqlite3.Connection, first: int, last: int) -> dict[str, int]:
    """By stage, from `first` to `last`: whole quarters of an hour as they were counted, the rest one by one."""
    begin, end = -(-first // QUARTER), (last + 1) // QUARTER
    if begin >= end:
        return dict(connection.execute(MOVES, (first, last)).fetchall())
    found = Counter(dict(connection.execute(MOVED, (begin, end - 1)).fetchall()))
    for left, right in ((first, begin * QUARTER - 1), (end * QUARTER, last)):
        if left <= right:
            found.update(dict(connection.execute(MOVES, (left, right)).fetchall()))
    return found


def _midnight(at: int, zone_name: str) -> int:
    local = datetime.fromtimestamp(at / 1000, zone(zone_name))
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def _earlier(at: int, zone_name: str, days_back: int) -> int:
    local = datetime.fromtimestamp(at / 1000, zone(zone_name)) - timedelta(days=days_back)
    return int(local.timestamp() * 1000)


def handoffs(connection: sqlite3.Connection, limit: int, key: str | None = None) -> list[Handed]:
    """The newest handoffs, of one lead if a key is given."""
    where = "WHERE key = ?" if key else ""
    found = connection.execute(
        f"SELECT id, key, at, shadow, data FROM handoffs {where} ORDER BY at DESC, id DESC LIMIT ?",  # noqa: S608
        (*((key,) if key else ()), limit),
    )
    return [_handed(*cells) for cells in found]


def handoff(connection: sqlite3.Connection, name: str) -> Handed | None:
    """One handoff."""
    found = connection.execute("SELECT id, key, at, shadow, data FROM handoffs WHERE id = ?", (name,)).fetchone()
    return None if found is None else _handed(*found)


def _handed(name: str, key: str, at: int, shadow: int, data: str | None) -> Handed:
    d: dict[str, Any] = msgspec.json.decode(data) if data else {}
    return Handed(
        name,
        key,
        rfc3339(at),
        bool(shadow),
        d.get("name") or d.get("email"),
        d.get("title_original"),
        d.get("company"),
        d.get("score"),
        d.get("fit_grade"),
        d.get("reason"),
        d.get("criteria"),
        d.get("message"),
        d.get("approach"),
        d.get("owner_queue"),
        d.get("account_owner"),
        d.get("priority"),
        d.get("respond_by"),
    )


def waiting(
    connection: sqlite3.Connection, model: Model, now: int, kinds: tuple[str, ...], limit: int
) -> list[Open]:
    """Who waits for a first answer, the most urgent first; what has no deadline comes last, the oldest first."""
    found = [cells for kind in kinds for cells in connection.execute(WAITING, (kind, limit))]
    found.sort(key=_urgency)
    return [_open(cells, model, now) for cells in found[:limit]]


def _urgency(cells: tuple[Any, ...]) -> tuple[bool, int, int, str]:
    key, _, at, deadline, *_ = cells
    return deadline == NEVER, deadline, at, key


def total_waiting(connection: sqlite3.Connection, now: int) -> dict[str, dict[str, int]]:
    """How many wait, by kind, and how many of them are overdue."""
    quarter = now // QUARTER
    found: dict[str, dict[str, int]] = {}
    for kind, number, late in connection.execute(AWAITED, (quarter - 1,)).fetchall():
        (lately,) = connection.execute(OVERDUE, (kind, quarter * QUARTER, now)).fetchone()
        found[kind] = {"waiting": number, "overdue": late + lately}
    return found


def _open(cells: tuple[Any, ...], model: Model, now: int) -> Open:
    key, kind, at, deadline, name_of_handoff, name, company, data, told = cells
    if kind == HANDOFF:
        known: dict[str, Any] = msgspec.json.decode(data) if data else {}
        reason = known.get("reason")
    else:
        content: dict[str, Any] = msgspec.json.decode(told) if told else {}
        known, reason = content.get("sales", {}), content.get("reason")
    queue = known.get("owner_queue")
    calendar = _calendar(model, queue)
    left = None if deadline == NEVER or calendar is None else hours_between(calendar, now, deadline)
    by = rfc3339(deadline) if deadline != NEVER else None
    owner = known.get("account_owner")
    return Open(kind, key, name_of_handoff, rfc3339(at), by, left, queue, owner, name, company, reason)


def _calendar(model: Model, queue: str | None) -> Calendar | None:
    follow_up = model.follow_up
    if follow_up is None or follow_up.routing is None or queue is None:
        return None
    found = follow_up.routing.queues.get(queue)
    return None if found is None else found.calendar
