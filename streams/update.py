"""What changed about a lead that sales already has, as one CloudEvent on the topic of the handoffs."""

from hashlib import blake2b
from typing import Final

from schemas.handoff import LeadUpdate, UpdateData, blank
from streams.scoring.event import Event
from streams.scoring.instant import rfc3339
from streams.scoring.lead import Lead, Stage
from streams.scoring.model import Model
from streams.scoring.update import MERGED
from streams.transition import FLAT, UPDATED, Transition
from streams.words import CHANGES

ERASED: Final = "erased"
"""The change that the data of a person must go."""


def update(transition: Transition, pipeline: str, language: str) -> LeadUpdate | None:
    """The update that a transition means; None if it means none. Pure: the same bytes each time."""
    handoff = transition.sales.get("handoff")
    change = transition.sales.get("change")
    if transition.type != UPDATED or not isinstance(handoff, str) or not isinstance(change, str):
        return None
    known = transition.sales.get("merged_from")
    data = blank(
        UpdateData,
        handoff_id=handoff,
        lead_key=known or transition.lead_key,
        change=change,
        changed_at=transition.occurred_at,
        cycle=max(transition.cycle, 1),
        reason=CHANGES[change][language == "ja"],
        merged_into=transition.lead_key if known and change == MERGED else None,
        request_type=transition.sales.get("request_type"),
        message=transition.lead.get("message") if transition.sales.get("request_type") else None,
        model_id=transition.model_id,
        model_version=transition.model_version,
    )
    return envelope(data, f"{transition.id}", pipeline)


def erased(lead: Lead, key: str, event: Event, arrival: int, model: Model) -> list[Transition]:
    """That whoever was told of this person has to erase it too. They hold nothing else of anybody."""
    about = {fact.source: (fact.open[-1], 1, fact.account) for fact in lead.merged if fact.open}
    if lead.issued:
        last = lead.issued[-1]
        about[key] = last.handoff, last.cycle, last.account
    elif lead.said != Stage.VISITOR:  # no handoff: nurture knows the lead, and sales hears nothing
        about[key] = "", 0, ""
    found = []
    for known, (handoff, cycle, account) in sorted(about.items()):
        sales: dict[str, FLAT] = {"change": ERASED, "handoff": handoff or None}
        if known != key:
            sales["merged_from"] = known
        found.append(_bare(key, event, arrival, cycle, model, sales, account or None))
    return found


def _bare(
    key: str, event: Event, arrival: int, cycle: int, model: Model, sales: dict[str, FLAT], account: str | None
) -> Transition:
    nobody = Stage.VISITOR.word
    name = blake2b(f"{sales['handoff'] or key}\0{ERASED}\0{event.at}".encode(), digest_size=16).hexdigest()
    return Transition(
        schema_version=1,
        id=f"tr-{name}",
        type=UPDATED,
        lead_key=key,
        occurred_at=rfc3339(event.at),
        arrived_at=rfc3339(arrival),
        cycle=cycle,
        from_stage=nobody,
        to_stage=nobody,
        cause=event.event_id,
        cause_type=event.type,
        late=False,
        held_because=None,
        reason=None,
        score=0.0,
        behaviour_score=0.0,
        fit_score=0.0,
        fit_grade=None,
        model_id=model.hash,
        model_name=model.source.name,
        model_version=model.source.version,
        handoff_id=None,
        contributions=[],
        lead={},
        sales=sales,
        history=[],
        traceparent=None,
        account=account,
    )


def envelope(data: dict[str, object], name: str, pipeline: str) -> LeadUpdate:
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    return LeadUpdate.model_validate(
        {
            "id": f"up-{digest}",
            "source": f"/leadstreams/{pipeline}",
            "subject": data["lead_key"],
            "time": data["changed_at"],
            "data": data,
        }
    )
