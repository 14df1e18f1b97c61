"""Who is where: one line per lead of the score table, chosen and sorted, with the score as of now."""

import heapq
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Final

import msgspec

from streams import log
from streams.explanation import LATEST, codes, hindrance, lacking
from streams.lane.restore import LogReader
from streams.log import Advance
from streams.scoring.attribute import value_at
from streams.scoring.instant import NEVER, rfc3339
from streams.scoring.lead import Lead, Stage
from streams.scoring.model import Model
from streams.scoring.score import score
from streams.scoring.standing import Standing
from streams.table import ACCOUNT, ALIASED, STAGE_BITS
from streams.words import held


class Order(StrEnum):
    """By what the leads are sorted, the highest or the newest first."""

    SCORE = "score"
    LAST = "last"
    ENTERED = "entered"


class Row(msgspec.Struct, frozen=True):
    """One lead. `since`: when it entered its stage; `last`: its newest event (RFC 3339, UTC).

    `held`: what keeps an MQL from sales, as codes; `held_because` says the same in words.
    """

    lead_key: str
    stage: str
    score: float
    behaviour: float
    fit: float
    fit_grade: str | None
    since: str | None
    last: str | None
    company: str | None
    held: list[str]
    held_because: str | None
    name: str | None
    email: str | None


class Choice(msgspec.Struct, frozen=True):
    """Which leads: all without a stage; `held` means those that could go to sales and do not."""

    stage: Stage | None = None
    held: bool = False
    order: Order = Order.SCORE
    limit: int = 20


class Roster(msgspec.Struct, frozen=True):
    """The rows asked for, and how many leads there are by stage."""

    rows: list[Row]
    counts: dict[str, int]


async def read(
    reader: LogReader, partitions: int, choice: Choice, model: Model, at: int, advance: Advance
) -> Roster:
    """The leads of all partitions as of an instant (Unix ms). Raises as `log.opened`."""
    counts = dict.fromkeys((stage.word for stage in Stage), 0)
    best: list[tuple[float, str, Lead]] = []
    async for key, value in _leads(reader, partitions, advance):
        stage = Stage(value[1] & STAGE_BITS)
        counts[stage.word] += 1
        if choice.stage is not None and stage != choice.stage:
            continue
        lead = log.lead(key, value)
        if choice.held and not (stage == Stage.MQL and _held(lead, model, at)):
            continue
        entry = RANKS[choice.order](lead, model, at), key, lead
        if len(best) < choice.limit:
            heapq.heappush(best, entry)
        elif entry[:2] > best[0][:2]:
            heapq.heapreplace(best, entry)
    rows = [row(key, lead, model, at) for _, key, lead in sorted(best, key=lambda e: e[:2], reverse=True)]
    return Roster(rows, {stage: number for stage, number in counts.items() if number})


async def _leads(reader: LogReader, partitions: int, advance: Advance) -> AsyncIterator[tuple[str, bytes]]:
    """The records of leads; not those of aliases, of what was erased, and of companies."""
    for number in range(partitions):
        stored = await log.stored(reader, number, advance=advance)
        for key, value in stored.everything().items():
            if value[1] & STAGE_BITS not in (ACCOUNT, ALIASED):
                yield key, value


def _total(lead: Lead, model: Model, at: int) -> float:
    return score(lead, model, at, LATEST, lead.state).total


def _held(lead: Lead, model: Model, at: int) -> str | None:
    return hindrance(Standing(lead, model, at, LATEST, lead.state))


RANKS: Final[dict[Order, Callable[[Lead, Model, int], float]]] = {
    Order.SCORE: _total,
    Order.LAST: lambda lead, model, at: lead.clock,
    Order.ENTERED: lambda lead, model, at: lead.state.at,
}


def row(key: str, lead: Lead, model: Model, at: int) -> Row:
    """The line of one lead as of an instant (Unix ms)."""

    def known(name: str) -> str | None:
        value = value_at(lead, name, at, LATEST)
        return None if value is None else str(value)

    standing = Standing(lead, model, at, LATEST, lead.state, key)
    fit, lacks = standing.fit, lacking(standing) if lead.stage == Stage.MQL else None
    emails = sorted((since, address) for address, since in lead.emails.items())
    return Row(
        lead_key=key,
        stage=lead.stage.word,
        score=standing.total,
        behaviour=standing.behaviour,
        fit=0.0 if fit is None else fit.points,
        fit_grade=None if fit is None else fit.grade,
        since=rfc3339(lead.state.at) if lead.moves else None,
        last=rfc3339(lead.clock) if lead.clock != NEVER else None,
        company=known("company"),
        held=[] if lacks is None else codes(lacks),
        held_because=None if lacks is None else held(lacks, model.source.language),
        name=" ".join(part for part in (known("first_name"), known("last_name")) if part) or None,
        email=emails[0][1] if emails else None,
    )
