"""SQL: one row per lead, per handoff and per update in PostgreSQL. The tables are in deploy/connectors/sql."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from pydantic import Field

from schemas.handoff import HandoffData
from schemas.instant import rfc3339
from streams.connectors.base import Base, Receiver, everyone
from streams.connectors.content import written
from streams.connectors.event import Event, Scalar
from streams.connectors.mapping import Fields, apply
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from streams.connectors.secret import SecretSource
from streams.shipped import CONNECTORS

MIGRATIONS: Final = CONNECTORS / "sql"
LOCK: Final = 0x6C656164
"""Of the advisory lock under which tables are made: `lead`."""

CONNECT_S: Final = 5
STATEMENT_MS: Final = 5_000

DATA: Final = tuple(name for name in HandoffData.model_fields if name not in ("lead_key",))
PERSONAL: Final = (
    *("name", "email", "phone", "title", "title_original", "reason", "message", "history"),
    "colleagues",
)
"""What an erasure empties; the rest says nothing about who it was."""

_STAMPS: Final = {"opted_out": "opted_out_at", "erased": "erased_at", "became_customer": "became_customer_at"}


class Sql(Base):
    """`kind: sql`."""

    kind: Literal["sql"]
    url: SecretSource = Field(description="postgresql://user:password@host/database, or a libpq connection string")
    schema_: str = Field("leadstreams", alias="schema", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    migrate: bool = Field(True, description="make and alter the tables; else they must be as they should")
    fields: Fields = Field({}, description="further columns of `leads`, which you have added")


class Statement(NamedTuple):
    """One statement with its parameters."""

    text: sql.SQL | sql.Composed
    values: Mapping[str, Any]


def statements(event: Event, settings: Sql) -> list[Statement]:
    """What an event does to the tables. Pure; a repeat changes nothing."""
    document = {**event.data} if not settings.neutralise else {n: written(v, True) for n, v in event.data.items()}
    if event.change is None:
        return [_lead(event, settings), _handoff(event, document)]
    common = {"lead_key": event.key, "at": rfc3339(event.at), "change": event.change}
    kept = [
        Statement(
            _UPDATED,
            {**common, "id": event.id, "handoff_id": document.get("handoff_id") or ""}
            | {"event": Jsonb(_safe(document, event.change))},
        )
    ]
    kept.append(Statement(_TOUCHED, common))
    if event.change in _STAMPS:
        stamp = sql.Identifier(_STAMPS[event.change])
        kept.append(Statement(_STAMPED.format(stamp=stamp), common))
    if event.change == "merged":
        kept.append(Statement(_MERGED, {**common, "into": document.get("merged_into")}))
    if event.change == "erased":
        kept += [Statement(text, common) for text in (_ERASED_LEAD, _ERASED_HANDOFFS, _ERASED_UPDATES)]
    return kept


def _safe(document: Mapping[str, Scalar], change: str) -> Mapping[str, Scalar]:
    return {n: v for n, v in document.items() if n not in PERSONAL} if change == "erased" else document


def _lead(event: Event, settings: Sql) -> Statement:
    values: dict[str, Scalar] = {name: written(event.data.get(name), settings.neutralise) for name in DATA}
    values |= dict.fromkeys(settings.fields) | apply(settings.fields, event, settings.neutralise)
    values |= {"lead_key": event.key, "handed_over_at": rfc3339(event.at)}
    names = list(values)
    text = sql.SQL(
        "INSERT INTO leads ({columns}) VALUES ({values}) ON CONFLICT (lead_key) DO UPDATE SET {changes} "
        # A connector that was cut off must not put back what a newer one, or an erasure, has replaced.
        "WHERE leads.cycle <= excluded.cycle "
        "AND (leads.erased_at IS NULL OR leads.erased_at < excluded.handed_over_at)"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(map(sql.Placeholder, names)),
        changes=sql.SQL(", ").join(
            sql.SQL("{name} = excluded.{name}").format(name=sql.Identifier(name)) for name in names
        ),
    )
    return Statement(text, values)


def _handoff(event: Event, document: Mapping[str, Scalar]) -> Statement:
    values = {"id": event.id, "lead_key": event.key, "cycle": event.cycle, "at": rfc3339(event.at)}
    return Statement(_HANDED_OVER, {**values, "event": Jsonb(document)})


_HANDED_OVER: Final = sql.SQL(
    "INSERT INTO handoffs (handoff_id, lead_key, cycle, handed_over_at, event) "
    "SELECT %(id)s, %(lead_key)s, %(cycle)s, %(at)s, %(event)s WHERE NOT EXISTS "
    "(SELECT FROM leads WHERE lead_key = %(lead_key)s AND erased_at >= %(at)s) ON CONFLICT DO NOTHING"
)
_UPDATED: Final = sql.SQL(
    "INSERT INTO updates (event_id, lead_key, handoff_id, change, changed_at, event) "
    "VALUES (%(id)s, %(lead_key)s, %(handoff_id)s, %(change)s, %(at)s, %(event)s) ON CONFLICT DO NOTHING"
)
_TOUCHED: Final = sql.SQL(
    "UPDATE leads SET last_update = %(change)s, last_update_at = %(at)s "
    "WHERE lead_key = %(lead_key)s AND (last_update_at IS NULL OR last_update_at <= %(at)s)"
)
_STAMPED: Final = sql.SQL("UPDATE leads SET {stamp} = %(at)s WHERE lead_key = %(lead_key)s AND {stamp} IS NULL")
_MERGED: Final = sql.SQL("UPDATE leads SET merged_into = %(into)s WHERE lead_key = %(lead_key)s")
_EMPTIED: Final = sql.SQL(", ").join(sql.SQL("{} = NULL").format(sql.Identifier(name)) for name in PERSONAL)
_BEFORE: Final = sql.SQL(" WHERE lead_key = %(lead_key)s AND handed_over_at <= %(at)s")
_ERASED_LEAD: Final = sql.SQL("UPDATE leads SET ") + _EMPTIED + _BEFORE
_ERASED_HANDOFFS: Final = sql.SQL("UPDATE handoffs SET event = '{{}}'").format() + _BEFORE
_ERASED_UPDATES: Final = sql.SQL(
    "UPDATE updates SET event = '{{}}' WHERE lead_key = %(lead_key)s AND changed_at <= %(at)s"
).format()


def judge(error: psycopg.Error) -> Outcome:
    """What an error means. The server's message holds values, so only its code is told."""
    code = error.sqlstate or "none"
    detail = f"SQLSTATE {code} ({type(error).__name__})"
    if isinstance(error, psycopg.errors.DataError | psycopg.errors.IntegrityError):
        return Refused(detail)
    if code in ("40001", "40P01", "55P03", "57014"):  # serialisation, deadlock, lock, our own time limit
        return Postponed(detail)
    operator = isinstance(error, psycopg.errors.ProgrammingError) or code[:2] in ("28", "3D")
    return Postponed(detail, everyone=True, operator=operator)


class SqlSink(Receiver):
    """Writes a batch in one transaction; if one event of it is refused, each in its own."""

    batch = 100

    def __init__(self, settings: Sql) -> None:
        self._settings = settings
        self._url = settings.url.read()
        self._idle: list[psycopg.AsyncConnection[Any]] = []
        self._migrated = False
        self._migrating = asyncio.Lock()

    async def close(self) -> None:
        for connection in self._idle:
            await connection.close()

    def preview(self, event: Event) -> list[Any]:
        return [
            {"sql": one.text.as_string(None), "values": {n: getattr(v, "obj", v) for n, v in one.values.items()}}
            for one in statements(event, self._settings)
        ]

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
        except psycopg.Error as error:
            outcome = judge(error)
            if not isinstance(outcome, Postponed):
                outcome = Postponed(outcome.detail if isinstance(outcome, Refused) else "", everyone=True)
            return everyone(outcome._replace(everyone=True), events)
        try:
            return await self._written(connection, events)
        finally:
            if connection.closed:
                await connection.close()
            else:
                self._idle.append(connection)

    async def _written(self, connection: psycopg.AsyncConnection[Any], events: Sequence[Event]) -> list[Outcome]:
        try:
            async with connection.transaction(), connection.pipeline():
                for event in events:
                    for statement in statements(event, self._settings):
                        await connection.execute(statement.text, statement.values)
        except psycopg.Error as error:
            outcome = judge(error)
            if len(events) > 1 and not connection.closed and not getattr(outcome, "everyone", False):
                return [found for event in events for found in await self._written(connection, [event])]
            return everyone(outcome, events)
        return everyone(Delivered(), events)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(
            self._url.get_secret_value(),
            autocommit=True,
            connect_timeout=CONNECT_S,
            application_name="leadstreams",
            options=f"-c statement_timeout={STATEMENT_MS} -c search_path={self._settings.schema_}",
        )
        try:
            async with self._migrating:
                if self._settings.migrate and not self._migrated:
                    await migrate(connection, self._settings.schema_)
                self._migrated = True
        except BaseException:
            await connection.close()
            raise
        return connection


async def migrate(connection: psycopg.AsyncConnection[Any], schema: str) -> None:
    """Apply the migrations that the schema lacks, each once, in their numbers' order. Raises psycopg.Error."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())"
        )
        rows = await (await connection.execute("SELECT name FROM migrations")).fetchall()
        done = {str(row[0]) for row in rows}
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if path.stem not in done:
                await connection.execute(path.read_bytes())
                await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (path.stem,))
