"""Accounts: the companies, their people, owner and relationship, and what is open with them."""

from typing import Final

import msgspec
from aiohttp import web

from streams.console import listing
from streams.console.access import Right
from streams.console.desk import DESK, answer, now, whole
from streams.console.guard import need
from streams.console.listing import Account
from streams.console.masking import masked
from streams.roster import Row

SHOWN: Final = 50
MOST: Final = 1_000
PEOPLE: Final = 200


async def accounts(request: web.Request) -> list[Account]:
    """Those whose people did something last, or whose domain begins as asked."""
    need(request, Right.LOOK)
    limit, text = whole(request.query, "limit", SHOWN, MOST), request.query.get("q", "").strip()[:200]
    return await request.app[DESK].read(lambda connection: listing.accounts(connection, now(), limit, text))


async def page(request: web.Request) -> web.Response:
    text = request.query.get("q", "")
    return request.app[DESK].page(request, "accounts.html", found=await accounts(request), text=text)


async def api(request: web.Request) -> web.Response:
    return answer({"accounts": await accounts(request)})


async def _one(request: web.Request) -> tuple[Account, list[Row]]:
    """Raises 404."""
    desk, person, key = request.app[DESK], need(request, Right.LOOK), request.match_info["key"]
    found = await desk.read(lambda connection: listing.account(connection, key, now()))
    if found is None:
        raise web.HTTPNotFound(text="no such account\n")
    model = desk.speaking(request)
    people = await desk.read(lambda connection: listing.people(connection, key, model, now(), PEOPLE))
    desk.audit.note(person, "look_at_account", key, masked=not person.sees_persons)
    return found, people if person.sees_persons else [masked(row) for row in people]


async def page_of_one(request: web.Request) -> web.Response:
    found, people = await _one(request)
    return request.app[DESK].page(request, "account.html", found=found, people=people)


async def api_of_one(request: web.Request) -> web.Response:
    found, people = await _one(request)
    return answer({**msgspec.structs.asdict(found), "leads": people})
