"""What changed about a lead that sales already has, as one CloudEvent on the topic of the handoffs."""

from hashlib import blake2b

from schemas.handoff import LeadUpdate, UpdateData, blank
from streams.transition import UPDATED, Transition
from streams.words import CHANGES


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
        merged_into=transition.lead_key if known else None,
        request_type=transition.sales.get("request_type"),
        message=transition.lead.get("message") if transition.sales.get("request_type") else None,
        model_id=transition.model_id,
        model_version=transition.model_version,
    )
    return envelope(data, f"{transition.id}", pipeline)


def erased(lead_key: str, handoff: str, cycle: int, at: str, model: tuple[str, str], pipeline: str) -> LeadUpdate:
    """The update that a person's data must go; `model` is its hash and version."""
    data = blank(
        UpdateData,
        handoff_id=handoff,
        lead_key=lead_key,
        change="erased",
        changed_at=at,
        cycle=cycle,
        model_id=model[0],
        model_version=model[1],
    )
    return envelope(data, f"{handoff}\0erased\0{at}", pipeline)


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
