"""A lead: where it stands and why, its score over time, its story, its handoffs. The same answer as `explain`."""

import sqlite3
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from streams import explanation
from streams.console import charts, funnel, live
from streams.console.access import Person, Right
from streams.console.curve import Curve, curve, score_at
from streams.console.desk import DESK, answer, now, spoken
from streams.console.funnel import Handed
from streams.console.guard import need
from streams.console.language import say
from streams.console.list_page import keys_of
from streams.console.live import LIVE, Met
from streams.console.masking import HIDDEN, masked
from streams.console.timeline import Entry, timeline
from streams.explanation import LATEST, Explanation
from streams.inquiry import Found
from streams.scoring.attribute import ATTRIBUTES, value_at
from streams.scoring.instant import NEVER, milliseconds, moment
from streams.scoring.lead import Lead
from streams.scoring.model import Model

HANDOFFS: Final = 20
RECORD: Final = "X-Leadstreams-Record"
"""Whose record an answer is made of: the owning worker's, or the changelog's as it was read."""
LIVE_RECORD: Final = "live"
CHANGELOG: Final = "changelog"
OF_COMPANY: Final = frozenset({"company", "company_domain", "employees", "revenue", "industry", "country"})
"""Attributes that say nothing of the person."""


class Change(msgspec.Struct, frozen=True):
    """What sales was told about a lead that it has."""

    at: int
    change: str
    handoff: str


class Story(NamedTuple):
    """All of a lead's page."""

    told: Explanation
    curve: Curve
    entries: list[Entry]
    handoffs: list[Handed]
    changes: list[Change]
    known: dict[str, str]
    account: str | None


async def found(request: web.Request) -> tuple[Met, Person]:
    """The lead that is asked for, and who asks. Raises 404."""
    desk, person = request.app[DESK], need(request, Right.LOOK)
    keys = keys_of(desk, person, request.match_info["key"])
    met = await live.find(desk, request.app[LIVE], keys)
    if met is None:
        raise web.HTTPNotFound(text=f"{say('no such lead', spoken(request))}\n")
    desk.audit.note(person, "look_at_lead", met.found.key, masked=not person.sees_persons)
    return met, person


def _dated(response: web.Response, met: Met) -> web.Response:
    response.headers[RECORD] = LIVE_RECORD if met.live else CHANGELOG
    return response


async def page(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    met, person = await found(request)
    model, at = desk.speaking(request), now()
    story = await desk.read(lambda connection: _story(connection, met.found, model, at, person))
    words = say("Score over time", spoken(request))
    moves = [(milliseconds(step.at), step.to_stage) for step in story.told.history]
    title = f"{words}: {story.told.score:.1f}"
    chart = charts.curve(story.curve, moves, title, model.source.timezone)
    shown: dict[str, Any] = {"story": story, "told": story.told, "chart": chart, "live": met.live}
    return _dated(desk.page(request, "lead.html", **shown, erasing=_erasing(request)), met)


def _erasing(request: web.Request) -> bool:
    return request.query.get("erased") == "1"


def _story(connection: sqlite3.Connection, met: Found, model: Model, at: int, person: Person) -> Story:
    told = explanation.explain(met.key, met.lead, model, at, met.asked)
    keys = [met.key, *told.aliases]
    handed = [one for key in keys for one in funnel.handoffs(connection, HANDOFFS, key)]
    entries = timeline(met.lead, model, told)
    account = connection.execute("SELECT account FROM leads WHERE key = ?", (met.key,)).fetchone()
    return Story(
        told,
        curve(met.lead, model, at),
        entries if person.sees_persons else [_masked_entry(one) for one in entries],
        handed if person.sees_persons else [masked(one) for one in handed],
        [change for key in keys for change in _changes(connection, key)],
        known(met.lead, at, person.sees_persons),
        account[0] if account is not None else None,
    )


def _masked_entry(one: Entry) -> Entry:
    """What sales wrote of somebody is not for everybody."""
    if one.channel != "sales" or "(" not in one.words:
        return one
    return msgspec.structs.replace(one, words=one.words.partition("(")[0].rstrip())


def _changes(connection: sqlite3.Connection, key: str) -> list[Change]:
    cells = connection.execute("SELECT at, change, handoff FROM updates WHERE key = ? ORDER BY at", (key,))
    return [Change(*found) for found in cells]


def known(lead: Lead, at: int, sees_persons: bool) -> dict[str, str]:
    """What is known of the lead, by attribute; hidden from who needs none."""
    told = {name: value_at(lead, name, at, LATEST) for name in ATTRIBUTES}
    emails = [address for address, _ in sorted(lead.emails.items(), key=lambda one: (one[1], one[0]))]
    plain = {"email": ", ".join(emails), **{name: str(value) for name, value in told.items() if value is not None}}
    return {
        name: value if sees_persons or name in OF_COMPANY else HIDDEN for name, value in plain.items() if value
    }


async def api(request: web.Request) -> web.Response:
    """As `leadstreams explain --json`; `at` as there."""
    desk = request.app[DESK]
    met, _ = await found(request)
    key, asked, lead, _ = met.found
    return _dated(answer(explanation.explain(key, lead, desk.model, _at(request, desk.model), asked)), met)


async def api_curve(request: web.Request) -> web.Response:
    """The score over time, or at one instant with `at`."""
    desk = request.app[DESK]
    met, _ = await found(request)
    key, lead = met.found.key, met.found.lead
    if "at" in request.query:
        at = _at(request, desk.model)
        return _dated(answer({"lead_key": key, "at": at, "score": score_at(lead, desk.model, at)}), met)
    drawn: dict[str, Any] = curve(lead, desk.model, now())._asdict()
    return _dated(answer({"lead_key": key, **drawn, "points": [list(point) for point in drawn["points"]]}), met)


def _at(request: web.Request, model: Model) -> int:
    text = request.query.get("at")
    if text is None:
        return now()
    at = moment(text, model.source.timezone)
    if at == NEVER:
        raise web.HTTPBadRequest(text="at: expected a time such as 2026-11-02T10:00 or 2026-11-02\n")
    return at
