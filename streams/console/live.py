"""A lead's record from the worker that owns it, else the read model's copy, and which of the two it is.

Whoever answers, what is shown is never older than the copy: an answer that has applied less of the topics than the
read model has seen comes from a worker that lost the partition and does not know it yet.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, web

from streams import live_record, log
from streams.admin import Refused
from streams.changes import Durable
from streams.console import listing
from streams.console.desk import Desk, now
from streams.identity import link
from streams.identity.keys import partition_of
from streams.inquiry import MOST_HOPS, Found
from streams.scoring.lead import Lead
from streams.seal import Seal

WITHIN_S: Final = 0.2
"""For all questions of one page."""
PAUSE_S: Final = 2.0
"""So long nobody is asked for a partition whose owner could not be found."""


class Met(NamedTuple):
    """A lead that was found; `live`: as its worker has it, and not as the changelog was read."""

    found: Found
    live: bool


class Copy(NamedTuple):
    """What the read model has: a record's bytes, and how far the topics were applied in what it has read."""

    value: bytes | None
    seen: dict[str, int]


class Told(NamedTuple):
    """An owner's word; no record while it is being changed."""

    address: str
    record: Durable | None


class Live:
    """Asks the processes at these addresses, and remembers who owns which partition."""

    def __init__(self, seal: Seal, addresses: Iterable[str]) -> None:
        self._seal = seal
        self._addresses = tuple(addresses)
        self._owners: dict[int, str] = {}
        self._silent: dict[int, float] = {}
        self._session: ClientSession | None = None

    async def close(self, _: web.Application) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, key: str, partition: int, seen: Mapping[str, int], seconds: float) -> Durable | None:
        """What the owner says within so long, if that is not older than what was `seen`; None if nobody does."""
        if seconds <= 0 or time.monotonic() < self._silent.get(partition, 0.0):
            return None
        try:
            async with asyncio.timeout(seconds):
                told = await self._ask_all(key, self._owners.get(partition), seen)
        except TimeoutError:
            told = None
        if told is None:
            self._owners.pop(partition, None)
            self._silent[partition] = time.monotonic() + PAUSE_S
            return None
        self._owners[partition] = told.address
        return told.record

    async def _ask_all(self, key: str, owner: str | None, seen: Mapping[str, int]) -> Told | None:
        """The owner that is remembered; if it no longer is, all others at once."""
        if owner is not None and (told := await self._ask(owner, key, seen)) is not None:
            return told
        asked = [asyncio.create_task(self._ask(one, key, seen)) for one in self._addresses if one != owner]
        try:
            for answer in asyncio.as_completed(asked):
                if (told := await answer) is not None:
                    return told
            return None
        finally:
            for task in asked:
                task.cancel()

    async def _ask(self, address: str, key: str, seen: Mapping[str, int]) -> Told | None:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(WITHIN_S))
        authorization = self._seal.sign(key, now())
        url = f"http://{address}{live_record.PATH.format(key=key)}"
        try:
            async with self._session.get(
                url, headers={"Authorization": authorization}, allow_redirects=False
            ) as answer:
                status, sealed = answer.status, await answer.read()
        except (ClientError, OSError, TimeoutError, ValueError):
            return None
        if status == web.HTTPServiceUnavailable.status_code:
            return Told(address, None)
        content = self._seal.open(sealed, authorization) if status == web.HTTPOk.status_code else None
        found = None if content is None else live_record.decode(content)
        if found is None or any(found.offsets.get(topic, 0) < offset for topic, offset in seen.items()):
            return None
        return Told(address, found)


LIVE: Final = web.AppKey("live", Live)


async def find(desk: Desk, live: Live, keys: list[str]) -> Met | None:
    """As `listing.find`, by what the workers say. Raises 503 while there is no read model."""
    until = time.monotonic() + WITHIN_S
    for asked in keys:
        key, before, is_live = asked, None, True
        for _ in range(MOST_HOPS):
            lead, told = await _record(desk, live, key, until)
            is_live &= told
            if lead is None:
                break
            before = Found(key, asked, lead, None)
            target = link.target(key, lead)
            if target is None:
                break
            key = target
        if before is not None:
            return Met(before, is_live)
    return None


async def _record(desk: Desk, live: Live, key: str, until: float) -> tuple[Lead | None, bool]:
    """A lead's record, and whether its worker told it."""
    count = desk.feed.partitions
    partition = partition_of(key, count) if count else 0
    ours = await desk.read(lambda connection: copy(connection, key, partition))
    told = await live.ask(key, partition, ours.seen, until - time.monotonic()) if count else None
    if told is not None:
        try:
            return (None if told.value is None else log.lead(key, told.value)), True
        except Refused:  # its worker is of a later version: the changelog's record may still be of ours
            pass
    return (None if ours.value is None else log.lead(key, ours.value)), False


def copy(connection: sqlite3.Connection, key: str, partition: int) -> Copy:
    """Of one state of the read model."""
    found = connection.execute("SELECT offsets FROM models WHERE partition = ?", (partition,)).fetchone()
    return Copy(listing.record(connection, key), {} if found is None else msgspec.json.decode(found[0]))
