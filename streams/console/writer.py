"""Applies records of the topics to the read model. The same records in any order across topics, any number of
times, give the same tables."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from streams import progress, topics, transition
from streams.account_record import KEYS, STAGE
from streams.changes import Refused
from streams.console import row as rows
from streams.identity.keys import partition_of
from streams.scoring import lead as records
from streams.scoring.instant import NEVER, milliseconds
from streams.scoring.lead import FORMAT, Lead
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.model import Model
from streams.scoring.response import REVIEW
from streams.table import STAGE_BITS
from streams.transition import Transition

HANDS: Final = (REVIEW, RELATIONSHIP)
UPDATE: Final = "com.leadstreams.lead.update.v1"
ACCOUNTS: Final = KEYS.encode()
HANDOFFS: Final = (topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW)
READ: Final = (topics.LEAD_SCORES, topics.LEAD_TRANSITIONS, *HANDOFFS)
"""What the read model is a copy of."""

UPSERT: Final = """
INSERT INTO leads (key, stage, bound, last, entered, account, domain, company, name, record)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET stage = excluded.stage, bound = excluded.bound, last = excluded.last,
  entered = excluded.entered, account = excluded.account, domain = excluded.domain, company = excluded.company,
  name = excluded.name, record = excluded.record
"""
COUNT_ACCOUNT: Final = """
INSERT INTO accounts SELECT account, max(domain), max(company), count(*), max(last)
FROM leads WHERE account = ? AND stage < 126 GROUP BY account
"""
COUNT_ACCOUNTS: Final = """
INSERT INTO accounts SELECT account, max(domain), max(company), count(*), max(last)
FROM leads WHERE account IS NOT NULL AND stage < 126 GROUP BY account
"""


class Notice(NamedTuple):
    """Something that a person may want to see at once: a handoff, a raised hand, or any change of stage."""

    kind: str
    key: str
    id: str


class Writer:
    """Writes to one connection; `bulk` until everything that the topics held at the start is read."""

    def __init__(self, connection: sqlite3.Connection, model: Model, partitions: int) -> None:
        self.connection = connection
        self._partitions = partitions
        self.model = model
        self.bulk = True
        self._touched: set[str] = set()

    def progress(self) -> dict[tuple[str, int], int]:
        """The offset from which each topic-partition is to be read on."""
        found = self.connection.execute("SELECT topic, partition, following FROM progress")
        return {(topic, partition): following for topic, partition, following in found}

    def reached(self, topic: str, partition: int, following: int) -> None:
        self.connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (topic, partition, following))

    def models(self) -> dict[int, str]:
        """The hash of the model by which each partition judges."""
        return dict(self.connection.execute("SELECT partition, hash FROM models ORDER BY partition"))

    def apply(self, topic: str, partition: int, found: Sequence[Any], now: int) -> list[Notice]:
        """The records of one topic-partition, in their order."""
        if topic == topics.LEAD_SCORES:
            self._leads(partition, {record.key: record.value for record in found if record.key is not None}, now)
            return []
        if topic == topics.LEAD_TRANSITIONS:
            return [notice for record in found for notice in self._transition(record)]
        return [notice for record in found for notice in self._handoff(record, topic == HANDOFFS[1])]

    # --- the score table

    def _leads(self, partition: int, newest: dict[bytes, bytes | None], now: int) -> None:
        for raw, value in newest.items():
            if raw == progress.KEY and value is not None:
                meta = progress.decode(value)
                if not isinstance(meta, Refused):
                    cells = (partition, meta.model, msgspec.json.encode(meta.offsets).decode())
                    self.connection.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?)", cells)
            elif raw.startswith(ACCOUNTS):
                self._account(raw.decode(), partition, value)
            elif raw not in progress.OWN:
                self._lead(raw.decode(), value, now)

    def _account(self, key: str, partition: int, value: bytes | None) -> None:
        """Every partition knows of every company; the one where its key lives knows most."""
        if partition != partition_of(key, self._partitions):
            return
        if value is None:
            self.connection.execute("DELETE FROM leads WHERE key = ?", (key,))
        else:
            self.connection.execute(UPSERT, (key, STAGE, 0.0, NEVER, NEVER, None, None, None, None, value))

    def _lead(self, key: str, value: bytes | None, now: int) -> None:
        if not self.bulk:
            self._touch(key)
        lead = None if value is None else _decoded(value)
        self.connection.execute("DELETE FROM waiting WHERE key = ?", (key,))
        if value is None or lead is None:
            self.connection.execute("DELETE FROM leads WHERE key = ?", (key,))
            return
        stage = value[1] & STAGE_BITS
        if stage in rows.NO_LEADS:
            self.connection.execute(UPSERT, (key, stage, 0.0, NEVER, NEVER, None, None, None, None, value))
        else:
            row = rows.row(key, lead, self.model, now)
            self.connection.execute(UPSERT, (key, stage, *row, value))
            if row.account is not None:
                self._touched.add(row.account)
            for one in rows.waiting(lead):
                self.connection.execute("INSERT INTO waiting VALUES (?, ?, ?, ?, ?)", (key, *one))
        if lead.erased != NEVER:
            self._forget(key, lead.erased)

    def _touch(self, key: str) -> None:
        """What is about to change counts to an account."""
        found = self.connection.execute("SELECT account FROM leads WHERE key = ?", (key,)).fetchone()
        if found is not None and found[0] is not None:
            self._touched.add(found[0])

    def _forget(self, key: str, upto: int) -> None:
        """What was told of an erased person goes; that something was told stays."""
        self.connection.execute("UPDATE handoffs SET data = NULL WHERE key = ? AND at <= ?", (key, upto))
        self.connection.execute("UPDATE transitions SET told = NULL WHERE key = ? AND at <= ?", (key, upto))

    def _erased(self, key: str) -> int:
        found = self.connection.execute("SELECT record FROM leads WHERE key = ?", (key,)).fetchone()
        lead = _decoded(found[0]) if found is not None else None
        return NEVER if lead is None else lead.erased

    # --- what was told

    def _transition(self, record: Any) -> Iterable[Notice]:
        told = transition.decode(record.value or b"")
        if told is None:
            return
        at = milliseconds(told.occurred_at)
        content = _content(told)
        if content is not None and at <= self._erased(told.lead_key):
            content = None
        cells = (told.id, told.lead_key, at, told.type, told.from_stage, told.to_stage)
        place = (record.partition, record.offset)
        new = self.connection.execute(
            "INSERT OR IGNORE INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*cells, *place, content)
        )
        if new.rowcount:
            yield Notice(told.type, told.lead_key, told.id)

    def _handoff(self, record: Any, shadow: bool) -> Iterable[Notice]:
        try:
            event = msgspec.json.decode(record.value or b"")
            data, at = event["data"], milliseconds(event["time"])
            key = data["lead_key"]
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            return
        place = (record.partition, record.offset)
        if event.get("type") == UPDATE:
            cells = (event["id"], key, data["handoff_id"], at, data["change"], shadow, *place)
            self.connection.execute("INSERT OR IGNORE INTO updates VALUES (?, ?, ?, ?, ?, ?, ?, ?)", cells)
            return
        content = None if at <= self._erased(key) else msgspec.json.encode(data).decode()
        new = self.connection.execute(
            "INSERT OR IGNORE INTO handoffs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (event["id"], key, at, shadow, *place, record.timestamp, content),
        )
        if new.rowcount:
            yield Notice(rows.HANDOFF, key, event["id"])

    # --- what follows

    def count_accounts(self) -> None:
        """Bring the accounts up to date with their leads."""
        if self.bulk:
            self.connection.execute("DELETE FROM accounts")
            self.connection.execute(COUNT_ACCOUNTS)
        else:
            for key in self._touched:
                self.connection.execute("DELETE FROM accounts WHERE key = ?", (key,))
                self.connection.execute(COUNT_ACCOUNT, (key,))
        self._touched.clear()

    def prune(self, topic: str, partition: int, first: int) -> None:
        """What the topic no longer holds goes: a file that was begun anew would not have it either."""
        tables = {topics.LEAD_TRANSITIONS: ("transitions",), topics.LEAD_SCORES: ()}.get(
            topic, ("handoffs", "updates")
        )
        mine = "" if topic == topics.LEAD_TRANSITIONS else f" AND shadow = {int(topic == HANDOFFS[1])}"
        for table in tables:
            self.connection.execute(
                f"DELETE FROM {table} WHERE partition = ? AND position < ?{mine}",  # noqa: S608  names of ours
                (partition, first),
            )

    def renew(self, after: int, most: int, now: int) -> int | None:
        """Compute the columns of the next leads anew, by rowid: bounds get tight as points decay, and another
        model may be in force. The last rowid done; None at the end."""
        found = self.connection.execute(
            "SELECT rowid, key, record, bound, account, domain, company, name FROM leads"
            " WHERE rowid > ? AND stage < 126 ORDER BY rowid LIMIT ?",
            (after, most),
        ).fetchall()
        for number, key, record, *before in found:
            lead = _decoded(record)
            if lead is None:
                continue
            row = rows.row(key, lead, self.model, now)
            if [row.bound, row.account, row.domain, row.company, row.name] != before:
                self._touched.update(account for account in (before[1], row.account) if account is not None)
                self.connection.execute(
                    "UPDATE leads SET bound = ?, account = ?, domain = ?, company = ?, name = ? WHERE rowid = ?",
                    (row.bound, row.account, row.domain, row.company, row.name, number),
                )
        return found[-1][0] if found else None


def _decoded(value: bytes) -> Lead | None:
    """None for a record that this version cannot read."""
    if value[:1] != bytes([FORMAT]):
        return None
    try:
        return records.decode(value)
    except (msgspec.MsgspecError, ValueError):
        return None


def _content(told: Transition) -> str | None:
    """What the pages show of a transition: of a raised hand who answers it, and why; of a move of a stage nothing,
    since the lead's record tells it."""
    if told.type not in HANDS:
        return None
    sales = {name: told.sales[name] for name in ("owner_queue", "account_owner") if name in told.sales}
    return msgspec.json.encode({"reason": told.reason, "sales": sales}).decode()
