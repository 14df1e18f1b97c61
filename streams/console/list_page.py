"""Leads: who is where, found and sorted; the same rows as `leadstreams leads`."""

import csv
import io
import sqlite3
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web
from msgspec.structs import replace

from streams import inquiry
from streams.console import listing
from streams.console.access import Person, Right
from streams.console.desk import DESK, Desk, answer, now, whole
from streams.console.guard import need
from streams.console.masking import masked
from streams.console.view import unturned
from streams.roster import Choice, Order, Roster, Row
from streams.scoring.lead import WORDS, Stage
from streams.scoring.model import Model

SHOWN: Final = 50
MOST: Final = 1_000
MOST_CSV: Final = 100_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""How a cell begins that a spreadsheet would take for a formula, or a command."""


class Asked(NamedTuple):
    """What a list shows."""

    choice: Choice
    text: str


def asked(request: web.Request, most: int = MOST) -> Asked:
    """Raises 400."""
    query = request.query
    stage, order = query.get("stage") or None, query.get("sort") or "score"
    if stage is not None and stage not in WORDS:
        raise web.HTTPBadRequest(text=f"stage: one of {', '.join(WORDS)}\n")
    if order not in {one.value for one in Order}:
        raise web.HTTPBadRequest(text=f"sort: one of {', '.join(Order)}\n")
    chosen = None if stage is None else Stage(WORDS.index(stage))
    limit = whole(query, "limit", SHOWN, most)
    held = query.get("held", "") not in ("", "0", "false")
    return Asked(Choice(chosen, held, Order(order), limit), query.get("q", "").strip()[:200])


def keys_of(desk: Desk, person: Person, text: str) -> list[str]:
    """The keys that a text may mean. An identity is asked for by those only who may see identities."""
    if inquiry.KEY.fullmatch(text):
        return [text]
    return inquiry.keys_of(text, desk.secret) if person.sees_persons and text else []


async def roster(request: web.Request, most: int = MOST) -> Roster:
    """The list as the asker may see it."""
    desk, person = request.app[DESK], need(request, Right.LOOK)
    wish, model = asked(request, most), desk.speaking(request)
    keys = keys_of(desk, person, wish.text)

    def read(connection: sqlite3.Connection) -> Roster:
        if not wish.text:
            return listing.chosen(connection, wish.choice, model, now())
        return _search(connection, wish, keys, model, names=person.sees_persons)

    found = await desk.read(read)
    if person.sees_persons:
        return found
    return replace(found, rows=[masked(row) for row in found.rows])


def _search(connection: sqlite3.Connection, wish: Asked, keys: list[str], model: Model, *, names: bool) -> Roster:
    met = listing.find(connection, keys) if keys else None
    named = listing.found_by(connection, wish.text, wish.choice.limit, names=names)
    every = list(dict.fromkeys([*((met.key,) if met else ()), *named]))
    return Roster(listing.of_keys(connection, every, model, now()), listing.counts(connection))


async def page(request: web.Request) -> web.Response:
    desk, wish = request.app[DESK], asked(request)
    person = need(request, Right.LOOK)
    if wish.text and not request.query.get("stage"):
        keys = keys_of(desk, person, wish.text)
        met = await desk.read(lambda connection: listing.find(connection, keys)) if keys else None
        if met is not None:
            raise web.HTTPSeeOther(f"/leads/{met.key}")
    found = await roster(request)
    if person.sees_persons:
        desk.audit.note(person, "list_leads", f"{len(found.rows)} leads")
    more = str(request.rel_url.update_query(limit=min(wish.choice.limit * 2, MOST)))
    full = len(found.rows) >= wish.choice.limit and wish.choice.limit < MOST
    table = str(request.rel_url.with_path("/leads.csv"))
    content: dict[str, Any] = {"found": found, "wish": wish, "stages": WORDS, "more": more if full else None}
    return desk.page(request, "leads.html", **content, csv=table, orders=list(Order))


async def api(request: web.Request) -> web.Response:
    """As `leadstreams leads --json`; with `names` also name and address, for who may see them."""
    found = await roster(request)
    names = "names" in request.query and need(request, Right.PERSONAL).sees_persons
    if names:
        request.app[DESK].audit.note(need(request, Right.LOOK), "list_leads", f"{len(found.rows)} leads")
    return answer({"counts": found.counts, "leads": [plain(row, names) for row in found.rows]})


def plain(row: Row, names: bool) -> dict[str, Any]:
    known: dict[str, Any] = msgspec.to_builtins(row)
    return {name: value for name, value in known.items() if names or name not in ("name", "email")}


async def table(request: web.Request) -> web.Response:
    """The list as CSV; no cell of it is a formula."""
    desk, person = request.app[DESK], need(request, Right.LOOK)
    found = await roster(request, MOST_CSV)
    desk.audit.note(person, "export_leads", f"{len(found.rows)} leads", masked=not person.sees_persons)
    return web.Response(
        body=as_csv([plain(row, person.sees_persons) for row in found.rows]).encode("utf-8-sig"),
        headers={"Content-Disposition": 'attachment; filename="leads.csv"'},
        content_type="text/csv",
        charset="utf-8",
    )


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Rows of the same columns as CSV that spreadsheets show as text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow([cell(value) for value in row.values()])
    return out.getvalue()


def cell(value: Any) -> str:
    """One cell. A text that a spreadsheet would run gets an apostrophe before it; numbers stay numbers."""
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if value is None or isinstance(value, int | float):
        return "" if value is None else f"{value}"
    text = unturned(str(value))
    return f"'{text}" if text.lstrip(" \u3000").startswith(FORMULA) else text
