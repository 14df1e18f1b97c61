"""Whether a lead qualifies for a stage, by which lane, and if not, what is missing.

`published` asks for little and is answered quickly; every condition that a model leaves out is met.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.stage import Lane, Seniority
from streams.fit.seniority import Seniority as Rank
from streams.scoring.attribute import version_at
from streams.scoring.lead import Contribution
from streams.scoring.standing import REACHABLE, Standing

SCORE: Final = "score"
"""The lane of leads that asked for nothing: the score and its conditions."""
PROMOTED: Final = "promoted"
MAIL_BLOCKS: Final = ("unsubscribed", "complained")


class Missing(NamedTuple):
    """One thing that keeps a lead from sales: a code that stands for words, and the figures in them."""

    code: str
    has: float = 0.0
    needs: float = 0.0
    name: str = ""


def mql(s: Standing) -> bool:
    """Whether a lead may enter MQL at this point."""
    stage = s.model.source.stages.mql
    if stage.contact and not s.knows(REACHABLE):
        return False
    if stage.grades is not None and _grade(s) not in stage.grades:
        return False
    if s.blocked("hard"):
        return False
    if stage.request is not None and s.asked_within(stage.request):
        return True
    return s.total >= stage.enter and s.behaviour >= (stage.behaviour or s.behaviour)


def mql_lost(s: Standing) -> bool:
    """Whether a lead in MQL has to leave it at this point."""
    stage = s.model.source.stages.mql
    if stage.grades is not None and _grade(s) not in stage.grades:
        return True
    if stage.request is not None and s.asked_within(stage.request):
        return False
    return (s.total if stage.leave_by == "score" else s.behaviour) < stage.leave


def lane(s: Standing) -> str | None:
    """The lane by which the lead is sales-qualified: the first one in the model's order, then the score."""
    if s.blocked("hard", "relationship", "no_sql"):
        return None
    for open_lane in s.model.source.lanes:
        if not _lacks(s, open_lane) and _fresh(s, open_lane):
            return open_lane.name
    return SCORE if not _lacking(s, first=True) else None


def _fresh(s: Standing, lane: Lane) -> Contribution | None:
    """The request that opens a lane: own, recent, not handed over yet, and later than any wish for no mail."""
    since = _silenced(s)
    return next((c for c in s.requests if c.distinct == lane.request and (c.at, c.id) > since), None)


def _silenced(s: Standing) -> tuple[int, str]:
    """When the lead last said that it wants no mail, as far as that holds; a request before it is taken back."""
    said = [
        version_at(s.lead, name, s.at, s.upto)
        for name in MAIL_BLOCKS
        if name in s.model.source.blocks and s.holds(name)
    ]
    return max(((version.at, version.id) for version in said if version is not None), default=(0, ""))


def _lacks(s: Standing, lane: Lane) -> list[Missing]:
    """What a lane still asks for, besides the request."""
    missing = _missing_fit(s, lane.grades, lane.seniority)
    if lane.company and not s.company_known:
        missing.append(Missing("company"))
    if s.blocked("vouched"):
        if not lane.company and not s.company_known:
            missing.append(Missing("company"))
        if not s.knows(("phone",)):
            missing.append(Missing("phone"))
    return missing


def _missing_fit(s: Standing, grades: Sequence[str] | None, seniority: Seniority | None) -> list[Missing]:
    missing = []
    if grades is not None and _grade(s) not in grades:
        missing.append(Missing("grade", name=_grade(s)))
    if seniority is not None:
        found = s.fit.seniority if s.fit is not None else None
        if found is None:
            missing.append(Missing("title"))
        elif found < Rank[seniority.upper()]:
            missing.append(Missing("seniority", name=found.name.lower()))
    return missing


def _lacking(s: Standing, first: bool = False) -> list[Missing]:
    """What the score lane still asks for; with `first` it stops at the first thing, the cheap ones before."""
    stage = s.model.source.stages.sql
    missing = [Missing("block", name=name) for name, effect in s.blocks.items() if effect in OWN_REQUESTS_ONLY]
    if stage.contact and not s.knows(REACHABLE):
        missing.append(Missing("contact"))
    elif stage.verified and not s.knows(("verified",)):
        missing.append(Missing("verified"))
    if first and missing:
        return missing
    missing += _missing_fit(s, stage.grades, stage.seniority)
    if first and missing:
        return missing
    if s.total < stage.enter:
        missing.append(Missing("points", s.total, stage.enter))
    if stage.intent and not s.intent:
        missing.append(Missing("intent"))
    if stage.active_days is not None and s.active_days < stage.active_days.at_least:
        missing.append(Missing("active_days", s.active_days, stage.active_days.at_least))
    return missing


def missing(s: Standing) -> list[Missing]:
    """What keeps a lead from sales, to be told in words: the blocks, then what its request or the score lacks."""
    if _withheld(s):
        return [Missing("too_old")]
    blocks = [Missing("block", name=name) for name, effect in s.blocks.items() if effect in BARRING]
    asked = [lane for lane in s.model.source.lanes if _fresh(s, lane)]
    if asked:
        return blocks + _lacks(s, asked[0])
    return blocks + _lacking(s)


def _withheld(s: Standing) -> bool:
    """Whether an event would have handed the lead over, had it not come too late; and none came in time since."""
    entered = (s.state.at, s.state.id)
    stale = {p for p in s.lead.stale if entered <= p <= (s.at, s.upto)}
    if not stale:
        return False
    fresh = max((p for p in s.lifted(entered) if p not in stale), default=entered)
    late = {p for p in stale if p >= fresh}
    if any(said.kind == "lead_promoted" and (said.at, said.id) in late for said in s.lead.feedback):
        return True
    return any(lane(Standing(s.lead, s.model, at, event_id, s.state, s.key)) for at, event_id in late)


OWN_REQUESTS_ONLY: Final = frozenset({"no_score_lane", "vouched"})
BARRING: Final = frozenset({"hard", "relationship", "no_sql"})


def _grade(s: Standing) -> str:
    return "" if s.fit is None else s.fit.grade
