"""What sales needs to follow up a lead: the way it came, who answers by when, how to approach, what is allowed."""

from typing import Final

from streams.scoring import touch
from streams.scoring.attribute import Value, version_at
from streams.scoring.instant import NEVER, rfc3339
from streams.scoring.lead import Stage
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.qualification import SCORE
from streams.scoring.response import REVIEW, facts, lane_kind, respond
from streams.scoring.standing import Standing
from streams.scoring.update import MERGED, NEW_REQUEST, UPDATES
from streams.story import day
from streams.words import basis, lane

Flat = dict[str, Value | None]
REQUESTS: Final = frozenset({"demo", "contact", "quote", "question"})


def briefing(s: Standing, handed_over: bool, arrival: int) -> Flat:
    """Flat, named as in the handoff's data; only what is known. Empty in a model without follow-up."""
    told: Flat = {}
    if handed_over:
        by = s.state.lane or SCORE
        told["criteria"] = lane(by, s.total, s.model.source.language)
        told["request_type"] = by if by in REQUESTS else None
        told |= _touches(s)
        told["consent_basis"] = _basis(s, by)
    told |= _consent(s)
    told |= _update(s)
    if s.model.fit is not None:
        told |= _fit(s)
    if s.model.follow_up is not None:
        told |= _follow_up(s, handed_over, arrival)
    return {name: value for name, value in told.items() if value is not None}


def _update(s: Standing) -> Flat:
    """What changed about a lead that sales has, and which handoff that is about."""
    change, _, other = s.state.note.partition(":")
    if change not in UPDATES:
        return {}
    opened = s.state.open
    told: Flat = {"change": change, "handoff": opened[-1] if opened else None}
    if change == MERGED:
        merged = next((fact for fact in s.lead.merged if fact.source == other and fact.open), None)
        told |= {"merged_from": other, "handoff": merged.open[-1] if merged else None}
    if change == NEW_REQUEST:
        asked = (
            c.distinct
            for rule in s.model.request_rules
            for c in s.lead.evidence.get(rule.id, ())
            if c.id == s.upto
        )
        told["request_type"] = next(asked, None)
    return told


def _consent(s: Standing) -> Flat:
    """What the lead agreed to, as far as it said."""
    unsubscribed = s.value("unsubscribed") is True or s.value("complained") is True
    return {
        "contact_verified": s.knows(("verified",)),
        "may_email_marketing": not unsubscribed and s.value("consent_communication") is not False,
        "may_phone": s.knows(("phone",)) and s.value("relationship") != "do_not_contact",
    }


def _touches(s: Standing) -> Flat:
    """How it came to us first and last; without any trace of that, what the person itself said."""
    first, last = touch.at(s.lead, s.at, s.upto)
    said = s.value("referral_channel")
    return {"first_touch_channel": first or said, "last_touch_channel": last or said}


def _basis(s: Standing, by: str) -> str | None:
    """On what ground somebody may process the data and call, in words, each with its day."""
    found = []
    if by in REQUESTS:
        found.append(basis("request", day(s.state.at, s.model), None, s.model.source.language))
    for name in ("consent_processing", "consent_communication"):
        said = version_at(s.lead, name, s.at, s.upto)
        if said is not None and said.value is not False:
            about = said.value if isinstance(said.value, str) else None
            found.append(basis(name, day(said.at, s.model), about, s.model.source.language))
    return (", " if s.model.source.language == "en" else "、").join(found) or None


def _fit(s: Standing) -> Flat:
    fit = s.fit
    if fit is None:
        return {}
    return {
        "seniority": fit.seniority.name.lower() if fit.seniority is not None else None,
        "function": fit.function,
        "employees": None if fit.employees is None else float(fit.employees),
        "industry": fit.industry,
        "country": fit.country,
        "fit_unknown": ", ".join(fit.unknown) or None,
        "company_domain": s.domain,
    }


def _follow_up(s: Standing, handed_over: bool, arrival: int) -> Flat:
    note = s.state.note.partition(":")
    by = s.state.lane if handed_over else REVIEW if note[0] == REVIEW else SCORE
    if note[0] == RELATIONSHIP:
        by = RELATIONSHIP
    answered = handed_over or s.state.note or s.state.stage == Stage.MQL
    response = respond(s, by, arrival) if answered else None
    kind = lane_kind(by) if handed_over else None
    found = s.model.follow_up.segment(facts(s, kind)) if s.model.follow_up is not None else None
    told: Flat = {
        "segment": found.name if found else None,
        "approach": found.approach[s.model.source.language] if found else None,
        "recipient": note[2] or None,
        "relationship": s.relationship,
    }
    if response is not None:
        told |= {
            "owner_queue": response.route.queue,
            "account_key": response.route.account_key,
            "account_owner": response.route.owner,
            "rep_slot": response.route.slot,
            "priority": response.urgency.priority,
        }
    if s.state.deadline != NEVER:
        told["respond_by"] = rfc3339(s.state.deadline)
    return told
