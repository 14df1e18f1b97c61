"""What the read model keeps of a lead beside its record: what lists are sorted by and found by, and who waits for
an answer. Pure: a function of the record, the model and an instant."""

from functools import lru_cache
from typing import Final, NamedTuple

from streams.account_record import STAGE as ACCOUNT
from streams.explanation import LATEST
from streams.follow_up.account import account_key
from streams.scoring.attribute import value_at
from streams.scoring.instant import NEVER
from streams.scoring.lead import Lead, Stage
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.model import Model
from streams.scoring.response import REVIEW
from streams.scoring.score import CAP, FIT, ledger, potential
from streams.scoring.standing import Standing
from streams.table import ALIASED

MOST_DOMAINS: Final = 50_000
"""Remembered: what a domain's account is takes longer to tell than anything else here."""
BROWSERS: Final = f"{CAP}browser"
HANDOFF: Final = "handoff"
NO_LEADS: Final = frozenset({ALIASED, ACCOUNT})
"""In place of a stage: records that are no leads."""
CONTACT: Final = frozenset(
    {"contacted", "meeting_booked", "opportunity_created", "deal_won", "deal_lost", "handoff_rejected"}
)
"""What stops a handoff's clock: contact, and whatever implies or ends it; acceptance does not."""
OUT: Final = frozenset({Stage.DISQUALIFIED, Stage.OPPORTUNITY, Stage.CUSTOMER})
"""Stages in which nobody waits for a first answer."""


class Waiting(NamedTuple):
    """Somebody has to answer: since when, and by when (NEVER if the model does not say)."""

    kind: str
    at: int
    deadline: int
    handoff: str | None


class Row(NamedTuple):
    """The columns of a lead. `bound`: no score of this record is higher from now on."""

    bound: float
    last: int
    entered: int
    account: str | None
    domain: str | None
    company: str | None
    name: str | None


def row(key: str, lead: Lead, model: Model, now: int) -> Row:
    """The columns of a lead's record."""
    standing = Standing(lead, model, now, LATEST, lead.state, key)
    company, first, last = (value_at(lead, name, now, LATEST) for name in ("company", "first_name", "last_name"))
    name = " ".join(str(part) for part in (first, last) if part) or None
    domain = standing.domain
    return Row(
        bound(lead, model, now),
        lead.clock,
        lead.state.at,
        _account(domain),
        domain,
        None if company is None else str(company),
        name,
    )


@lru_cache(maxsize=MOST_DOMAINS)
def _account(domain: str | None) -> str | None:
    return account_key(domain)


def bound(lead: Lead, model: Model, now: int) -> float:
    """No score that the record has at any instant from `now` on is higher: points above zero, up to the caps of
    their groups, only decay and run out; penalties, and what the browsers' cap takes away, may come back."""
    if lead.clock > now:  # an event is dated ahead of our clock
        return potential(lead, model) + max(model.most_fit, 0.0)
    lines = ledger(lead, model, now, LATEST, lead.state)
    stays = (CAP, FIT)
    return sum(
        line.value for line in lines if line.value > 0 or (line.rule.startswith(stays) and line.rule != BROWSERS)
    )


def waiting(lead: Lead) -> list[Waiting]:
    """Who waits for a first answer: the handoffs that are open, the requests that a person was to look at."""
    found: list[Waiting] = []
    for issued in lead.issued:
        if issued.handoff in lead.state.open and not _contacted(lead, issued.at, issued.handoff):
            due = (
                m.deadline for m in lead.moves if m.cycle == issued.cycle and m.deadline != NEVER and not m.note
            )
            found.append(Waiting(HANDOFF, issued.at, next(due, NEVER), issued.handoff))
    newest: dict[str, Waiting] = {}
    for move in lead.moves:
        kind = move.note.partition(":")[0]
        if kind in (REVIEW, RELATIONSHIP):
            newest[kind] = Waiting(kind, move.at, move.deadline, None)
    return found + [one for one in newest.values() if not _answered(lead, one)]


def _contacted(lead: Lead, since: int, handoff: str) -> bool:
    return any(
        said.kind in CONTACT and said.at >= since and said.handoff in (None, handoff) for said in lead.feedback
    )


def _answered(lead: Lead, one: Waiting) -> bool:
    """A raised hand is answered by anything that sales said since, and by a handoff, which has its own clock."""
    if any(said.at >= one.at for said in lead.feedback) or any(issued.at >= one.at for issued in lead.issued):
        return True
    return lead.stage in OUT and one.kind == REVIEW
