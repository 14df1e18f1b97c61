"""One person, whole: everything that is held, to download, and the erasure. The same as `leadstreams lead`."""

import asyncio
from typing import Any, Final

import msgspec
from aiohttp import web

from streams import admin, explanation, log
from streams.admin import Refused, Unreachable
from streams.console.access import Person as Asker
from streams.console.access import Right
from streams.console.desk import DESK, Desk, answer, now
from streams.console.guard import need
from streams.inquiry import KEY
from streams.privacy import erasure, holding
from streams.privacy import person as persons
from streams.privacy.person import Person
from streams.scoring.instant import NEVER, rfc3339

JSON: Final = "application/json"


async def export(request: web.Request) -> web.Response:
    """Everything about one person as JSON, read from all topics: it takes a while."""
    desk, asker, key = _asked(request)
    desk.audit.note(asker, "export_person", key)
    try:
        document = await asyncio.to_thread(_collected, desk, key)
    except (Unreachable, Refused) as refusal:
        raise web.HTTPServiceUnavailable(text=f"{refusal}\n") from None
    if document is None:
        raise web.HTTPNotFound(text="no such lead\n")
    response = answer(document)
    response.headers["Content-Disposition"] = f'attachment; filename="{key}.json"'
    return response


def _asked(request: web.Request) -> tuple[Desk, Asker, str]:
    """Raises 403, 404."""
    asker, key = need(request, Right.PRIVACY), request.match_info["key"]
    if not KEY.fullmatch(key):
        raise web.HTTPNotFound(text="no such lead\n")
    return request.app[DESK], asker, key


def _collected(desk: Desk, key: str) -> dict[str, Any] | None:
    """As `leadstreams lead export --json`, but for the connectors. Raises Unreachable, Refused."""
    found = persons.find(desk.settings, key, desk.secret)
    if found is None:
        return None
    told = explanation.explain(found.key, found.lead, desk.model, now(), found.key)
    return {
        "lead_key": found.key,
        "keys": list(found.keys),
        "addresses": list(found.addresses),
        "erased_up_to": rfc3339(found.lead.erased) if found.lead.erased != NEVER else None,
        "explanation": msgspec.to_builtins(told),
        "record": log.run(holding.record_of(desk.settings, found)),
        "records_by_topic": _held(desk, found),
    }


def _held(desk: Desk, found: Person) -> dict[str, Any]:
    with admin.connect(desk.settings) as client:
        counts = admin.partition_counts(client, holding.SEARCHED)

    async def search() -> dict[str, Any]:
        async with log.opened(desk.settings) as reader:
            matcher = holding.Matcher(found, desk.secret)
            held: dict[str, Any] = await holding.search(reader, counts, matcher, lambda _: None)
            return held

    return log.run(search())


async def erase(request: web.Request) -> web.Response:
    """Ask for a person's erasure; the lead's page says when it is done."""
    desk, asker, key = _asked(request)
    if str((await request.post()).get("confirm", "")).strip() != key:
        raise web.HTTPBadRequest(text="The key does not match")
    try:
        lacking = await asyncio.to_thread(_erase, desk, key)
    except (Unreachable, Refused) as refusal:
        raise web.HTTPServiceUnavailable(text=f"{refusal}\n") from None
    if lacking is not None:
        raise web.HTTPConflict(text=lacking)
    desk.audit.note(asker, "erase_person", key)
    raise web.HTTPSeeOther(f"/leads/{key}?erased=1")


def _erase(desk: Desk, key: str) -> str | None:
    """Why nothing was asked for, if so. Raises Unreachable, Refused."""
    found = persons.find(desk.settings, key, desk.secret)
    if found is None:
        return "no such lead"
    if found.gone:
        return None
    named = persons.identity(found, key, desk.secret)
    if named is None:
        return "this key does not tell who it is: leadstreams lead erase with the user id or anonymous id does it"
    erasure.issue(desk.settings, found.key, named, now())
    return None
