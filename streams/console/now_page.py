"""Now: the funnel today against last weeks, handoffs as they happen, who waits, and what holds leads back."""

import asyncio
import sqlite3
from typing import Any, Final

import msgspec
from aiohttp import web

from streams.console import charts, funnel, listing
from streams.console.access import Right
from streams.console.desk import DESK, Desk, answer, now, spoken
from streams.console.funnel import Day, Flow, Handed, Open
from streams.console.guard import PERSON, need
from streams.console.hub import Full
from streams.console.language import say
from streams.console.masking import masked
from streams.console.row import HANDOFF
from streams.console.writer import Notice
from streams.scoring.instant import NEVER, rfc3339
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.model import Model
from streams.scoring.response import REVIEW

HANDS: Final = (REVIEW, RELATIONSHIP)
SHOWN: Final = 25
NEWEST: Final = 12
KEEP_ALIVE_S: Final = 15.0
FEW: Final = 1_000
"""Marketing-qualified leads that are counted while a page waits: a tenth of a second."""
HELD_KEPT_SHARE: Final = 30
"""What takes long to count is kept for this many times as long."""


class Now(msgspec.Struct, frozen=True):
    """All figures of the page, as of `at`; what holds leads back as of `held_at`."""

    at: str
    counts: dict[str, int]
    flow: list[Flow]
    days: list[Day]
    handoffs: list[Handed]
    queue: list[Open]
    hands: list[Open]
    waiting: dict[str, dict[str, int]]
    held: dict[str, int]
    held_at: str | None


class HeldCount:
    """What holds leads back, counted of all of them: at once where they are few, else beside the pages, which show
    the last count and of when it is."""

    def __init__(self) -> None:
        self._found: tuple[dict[str, int], int] = {}, NEVER
        self._model = ""
        self._until = NEVER
        self._counting: asyncio.Task[None] | None = None

    async def count(self, desk: Desk) -> tuple[dict[str, int], int]:
        """The counts, and the instant that they are of; NEVER while the first of many are counted."""
        leads = (await desk.read(listing.counts)).get("mql", 0)
        if leads <= FEW:
            await self._count(desk, patient=False)
        elif (now() >= self._until or desk.model.hash != self._model) and self._counting is None:
            self._counting = asyncio.create_task(self._count(desk, patient=True))
            self._counting.add_done_callback(self._counted)
        return self._found

    def _counted(self, done: asyncio.Task[None]) -> None:
        self._counting = None
        if not done.cancelled():
            done.exception()  # the read model went away: the next look counts again

    async def _count(self, desk: Desk, *, patient: bool) -> None:
        at, model = now(), desk.model
        self._found = await desk.read(lambda connection: listing.held(connection, model, at, patient=patient)), at
        self._until = now() + (now() - at) * HELD_KEPT_SHARE
        self._model = model.hash


HELD_COUNT: Final = web.AppKey("held_count", HeldCount)


def _figures(connection: sqlite3.Connection, model: Model, at: int, held: dict[str, int], held_at: int) -> Now:
    zone = model.source.timezone
    return Now(
        rfc3339(at),
        listing.counts(connection),
        funnel.flow(connection, at, zone),
        funnel.days(connection, at, zone),
        funnel.handoffs(connection, NEWEST),
        funnel.waiting(connection, model, at, (HANDOFF,), SHOWN),
        funnel.waiting(connection, model, at, HANDS, SHOWN),
        funnel.total_waiting(connection, at),
        held,
        rfc3339(held_at) if held_at != NEVER else None,
    )


async def figures(request: web.Request) -> Now:
    """The page's figures as the asker may see them."""
    desk, person = request.app[DESK], need(request, Right.LOOK)
    held = await request.app[HELD_COUNT].count(desk)
    found = await desk.read(lambda connection: _figures(connection, desk.model, now(), *held))
    if person.sees_persons:
        return found
    return msgspec.structs.replace(
        found,
        handoffs=[masked(one) for one in found.handoffs],
        queue=[masked(one) for one in found.queue],
        hands=[masked(one) for one in found.hands],
    )


async def page(request: web.Request) -> web.Response:
    return request.app[DESK].page(request, "now.html", **await _content(request))


async def part(request: web.Request) -> web.Response:
    """What changes while the page is open."""
    return request.app[DESK].page(request, "now_figures.html", **await _content(request))


async def _content(request: web.Request) -> dict[str, Any]:
    found, language = await figures(request), spoken(request)
    title = say("Moves into MQL and SQL, by day", language)
    return {"found": found, "chart": charts.columns(found.days, title, ("MQL", "SQL"))}


async def api(request: web.Request) -> web.Response:
    return answer(await figures(request))


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `handoff` with a row for the list, `change` whenever any figure may be another."""
    desk = request.app[DESK]
    need(request, Right.LOOK)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    try:
        async with desk.hub.listening() as queue:
            await response.prepare(request)
            await response.write(b"retry: 1000\n: open\n\n")
            while not desk.hub.closed.is_set():
                try:
                    notices = await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                for notice in notices:
                    await response.write(await _told(request, desk, notice))
                await response.write(b"event: change\ndata: -\n\n")
    except Full:
        raise web.HTTPServiceUnavailable(text="too many pages are open\n") from None
    except ConnectionError:
        pass  # the page was left
    return response


async def _told(request: web.Request, desk: Desk, notice: Notice) -> bytes:
    if notice.kind != HANDOFF:
        return b""
    one = await desk.read(lambda connection: funnel.handoff(connection, notice.id))
    if one is None:
        return b""
    shown = one if request[PERSON].sees_persons else masked(one)
    row = desk.part(request, "handoff_row.html", one=shown, fresh=True)
    lines = "".join(f"data: {line}\n" for line in row.splitlines() if line.strip())
    return f"event: handoff\nid: {notice.id}\n{lines}\n".encode()
