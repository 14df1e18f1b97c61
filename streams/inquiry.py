"""Finding one lead's record in the score table by whatever its asker knows of it."""

import re
from typing import Final, NamedTuple

from streams import log
from streams.admin import Refused
from streams.identity import link
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.lane.restore import LogReader
from streams.log import Stored
from streams.scoring.lead import Lead
from streams.settings import Settings

KEY: Final = re.compile(r"[eua][a-z0-9]-[0-9a-f]{32}")
MOST_HOPS: Final = 16
"""Aliases point to smaller keys only: twice what any event is passed on."""


class Found(NamedTuple):
    """A lead's record, the key it lives under, and the key that was asked for, which may be an alias of it."""

    key: str
    asked: str
    lead: Lead
    model: str | None


def keys_of(text: str, secret: Secret | None) -> list[str]:
    """The lead keys that a text may mean: a key, an email address, else a user id or an anonymous id.

    Nothing for anything but a key where there is no secret.
    """
    if KEY.fullmatch(text):
        return [text]
    if secret is None:
        return []
    if "@" in text and (known := lead_keys(text, None, None, secret)):
        return known
    return [*lead_keys(None, text, None, secret), *lead_keys(None, None, text, secret)]


async def find(settings: Settings, count: int, keys: list[str], fingerprint: str | None) -> Found | None:
    """The record of the first of the keys that has one, aliases followed. Raises Unreachable, Refused."""
    async with log.opened(settings) as reader:
        for key in keys:
            found = await _follow(reader, count, key, fingerprint)
            if found is not None:
                return found
    return None


async def _follow(reader: LogReader, count: int, asked: str, fingerprint: str | None) -> Found | None:
    key = asked
    before: tuple[str, Lead] | None = None
    for _ in range(MOST_HOPS):
        stored = await log.stored(reader, partition_of(key, count), {key})
        _check(stored, fingerprint)
        value = stored.newest(key)
        if value is None:
            # The lead has said nothing itself yet: what its alias holds is all there is.
            return Found(before[0], asked, before[1], None) if before is not None else None
        lead = log.lead(key, value)
        target = link.target(key, lead)
        if target is None:
            return Found(key, asked, lead, stored.progress.model if stored.progress else None)
        before, key = (key, lead), target
    raise Refused(f"the aliases of {asked} form a circle at {key}: that is a bug, please report it")


def _check(stored: Stored, fingerprint: str | None) -> None:
    written = stored.progress.secret if stored.progress is not None else None
    if fingerprint is not None and written is not None and written != fingerprint:
        raise Refused(
            "the leads were keyed with another identity secret: set the one that this pipeline began with"
        )
