"""Operations: load, lag and latency from the processes' own metrics, models, workers, dead letters."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from prometheus_client.parser import text_string_to_metric_families

from streams import dead_letters, publication
from streams import top as figures_of
from streams.admin import Refused, Unreachable
from streams.console.access import Right
from streams.console.desk import DESK, Desk, answer, whole
from streams.console.guard import need
from streams.console.masking import masked_values
from streams.dead_letters import DeadLetter, Selection
from streams.settings import Settings
from streams.top import Figures, Look

ASK_S: Final = 2.0
BETWEEN_S: Final = 0.5
STALE_S: Final = 60.0
SHOWN: Final = 50
MOST: Final = 1_000
MOST_CONTENT: Final = 16_384


class Worker(NamedTuple):
    """A process that answers, and what it says of its partitions."""

    address: str
    answers: bool
    partitions: list[int]
    states: dict[str, int]


class Watch:
    """Asks the processes, and keeps the last answer, so that there is something to compare with."""

    def __init__(self, settings: Settings) -> None:
        own = (
            f"{settings.worker_host}:{settings.worker_port}",
            f"{settings.collector_host}:{settings.collector_port}",
        )
        stated = [address.strip() for address in settings.console_watch.split(",") if address.strip()]
        self.addresses = stated or list(own)
        self._before: Look | None = None

    async def look(self) -> tuple[Figures, Look, list[Worker]]:
        """The figures between the last look and this one; of two looks now if the last is old."""
        before = self._before
        if before is None or time.time() - before.at > STALE_S:
            before, _ = await self._ask()
            await asyncio.sleep(BETWEEN_S)
        now, workers = await self._ask()
        self._before = now
        return figures_of.figures(before, now), now, workers

    async def _ask(self) -> tuple[Look, list[Worker]]:
        async with ClientSession(timeout=ClientTimeout(ASK_S)) as session:
            texts = await asyncio.gather(*(_metrics(session, address) for address in self.addresses))
        silent = [a for a, text in zip(self.addresses, texts, strict=True) if text is None]
        found = figures_of.look(time.time(), [text for text in texts if text is not None], silent)
        return found, [_worker(a, text) for a, text in zip(self.addresses, texts, strict=True)]


async def _metrics(session: ClientSession, address: str) -> str | None:
    try:
        async with session.get(f"http://{address}/metrics") as found:
            return await found.text() if found.status == 200 else None
    except (ClientError, OSError, TimeoutError, ValueError):
        return None


def _worker(address: str, text: str | None) -> Worker:
    partitions: set[int] = set()
    states: dict[str, int] = {}
    for family in text_string_to_metric_families(text or ""):
        for sample in family.samples:
            if sample.name == "leadstreams_lag_records":
                partitions.add(int(sample.labels["partition"]))
            elif sample.name == "leadstreams_partitions" and sample.value:
                states[sample.labels["state"]] = int(sample.value)
    return Worker(address, text is not None, sorted(partitions), states)


WATCH: Final = web.AppKey("watch", Watch)


async def models(settings: Settings) -> list[dict[str, Any]]:
    """Every model that was published or began, and where it is in force; as `leadstreams model list --json`."""
    published, in_force = await publication.read(settings), await publication.in_force(settings)
    where: dict[str, list[int]] = {}
    for number, name in in_force.items():
        where.setdefault(name, []).append(number)
    names = [*reversed(published), *(name for name in where if name not in published)]
    return [_model(name, published, where) for name in names]


def _model(name: str, published: Any, where: dict[str, list[int]]) -> dict[str, Any]:
    found = published.get(name)
    return {
        "hash": name,
        "name": found.name if found else None,
        "version": found.version if found else None,
        "published": [{"at": told.at, "by": told.by} for told in found.published] if found else [],
        "in_force": sorted(where.get(name, [])),
    }


async def _letters(desk: Desk, selection: Selection) -> list[DeadLetter]:
    """Raises 503."""

    def read() -> list[DeadLetter]:
        return [letter for letter in dead_letters.read(desk.settings) if selection.means(letter)]

    try:
        return await asyncio.to_thread(read)
    except (Unreachable, Refused) as refusal:
        raise web.HTTPServiceUnavailable(text=f"{refusal}\n") from None


def _counts(letters: Iterable[DeadLetter]) -> dict[str, int]:
    return dict(Counter(letter.headers.reason.value if letter.headers else "unknown" for letter in letters))


def _selection(request: web.Request) -> Selection:
    query = request.query
    return Selection(frozenset(), frozenset(query.getall("reason", [])), frozenset(query.getall("topic", [])))


async def page(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    need(request, Right.OPERATE)
    try:
        (found, look, workers), letters, versions = await asyncio.gather(
            request.app[WATCH].look(), _letters(desk, _selection(request)), models(desk.settings)
        )
    except (Unreachable, Refused) as refusal:
        raise web.HTTPServiceUnavailable(text=f"{refusal}\n") from None
    newest = [dead_letters.as_json(letter) for letter in dead_letters.newest(letters, SHOWN)]
    return desk.page(
        request,
        "operations.html",
        found=found,
        silent=look.silent,
        workers=workers,
        models=versions,
        model=desk.model,
        letters=list(reversed(newest)),
        counts=_counts(letters),
        feed=desk.feed,
        size=desk.store.size(),
        sent=request.query.get("sent"),
        not_sent=request.query.get("not_sent"),
    )


async def api(request: web.Request) -> web.Response:
    """As `leadstreams top --json`."""
    need(request, Right.OPERATE)
    found, _, _ = await request.app[WATCH].look()
    return answer(found._asdict())


async def api_models(request: web.Request) -> web.Response:
    need(request, Right.OPERATE)
    return answer(await models(request.app[DESK].settings))


async def api_letters(request: web.Request) -> web.Response:
    """As `leadstreams dead-letters list --json`."""
    need(request, Right.OPERATE)
    found = await _letters(request.app[DESK], _selection(request))
    newest = dead_letters.newest(found, whole(request.query, "limit", SHOWN, MOST))
    return answer({"count": _counts(found), "letters": [dead_letters.as_json(letter) for letter in newest]})


async def letter_page(request: web.Request) -> web.Response:
    letter, content, hidden = await _letter(request)
    return request.app[DESK].page(
        request, "dead_letter.html", letter=dead_letters.as_json(letter), content=content, hidden=hidden
    )


async def api_letter(request: web.Request) -> web.Response:
    """As `leadstreams dead-letters show --json`; for whom content is hidden, its shape."""
    letter, content, hidden = await _letter(request)
    key = None if hidden or letter.key is None else letter.key.decode("utf-8", "backslashreplace")
    return answer({**dead_letters.as_json(letter), "key": key, "value": content})


async def _letter(request: web.Request) -> tuple[DeadLetter, str, bool]:
    """One dead letter, what may be seen of its content, and whether that hides something. Raises 404."""
    desk, person = request.app[DESK], need(request, Right.OPERATE)
    name = request.match_info["id"]
    found = await _letters(desk, Selection(frozenset({name})))
    if not found:
        raise web.HTTPNotFound(text=f"no dead letter: {name[:40]}\n")
    value, hidden = found[0].value or b"", not person.may(Right.CONTENT)
    desk.audit.note(person, "look_at_dead_letter", found[0].id, masked=hidden)
    return found[0], _shape(value) if hidden else _text(value), hidden


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _shape(value: bytes) -> str:
    """The names of the fields, without what is in them; nothing of what is no JSON."""
    try:
        return json.dumps(masked_values(msgspec.json.decode(value)), ensure_ascii=False, indent=2)
    except (msgspec.MsgspecError, RecursionError):
        return f"{len(value):,} bytes that are no JSON"


async def retry(request: web.Request) -> web.Response:
    """Send dead letters again, as `leadstreams dead-letters retry` does."""
    desk, person = request.app[DESK], need(request, Right.RETRY)
    sent = await request.post()
    ids = frozenset(str(value) for value in sent.getall("id", []))
    reasons = frozenset(str(value) for value in sent.getall("reason", []))
    if not (ids or reasons):
        raise web.HTTPBadRequest(text="select dead letters first\n")
    chosen = await _letters(desk, Selection(ids, reasons))
    try:
        done = await asyncio.to_thread(dead_letters.retry, desk.settings, chosen)
    except (Unreachable, Refused) as refusal:
        raise web.HTTPServiceUnavailable(text=f"{refusal}\n") from None
    refused = sum(one.refused is not None for one in done)
    for one in chosen:
        desk.audit.note(person, "retry_dead_letter", one.id)
    raise web.HTTPSeeOther(f"/operations?sent={len(done) - refused}&not_sent={refused}")
