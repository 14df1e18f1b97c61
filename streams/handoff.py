"""From a transition into the stage that is handed over to the one CloudEvent that sales gets."""

from typing import Final

from schemas.handoff import CONTENT_TYPE, Handoff, HandoffData, LeadUpdate, blank
from streams import topics
from streams.changes import Effect
from streams.transition import Transition
from streams.update import update

TEXT_FIELDS: Final = (
    *("email", "phone", "title", "company", "company_domain", "industry", "country", "language", "timezone"),
    *("message", "criteria", "request_type", "segment", "approach", "priority", "owner_queue", "account_key"),
    *("account_owner", "respond_by", "seniority", "function", "fit_unknown"),
)
SAID_FIELDS: Final = ("contact_verified", "may_email_marketing", "may_phone")


def handoff(transition: Transition, pipeline: str, lead_url: str | None) -> Handoff | None:
    """The handoff of a transition; None if the transition hands nothing over. Pure: the same bytes each time."""
    if transition.handoff_id is None:
        return None
    known = transition.lead | transition.sales
    texts = {name: _text(known.get(name)) for name in TEXT_FIELDS}
    data = blank(
        HandoffData,
        **texts,
        **{name: known.get(name) for name in SAID_FIELDS},
        handoff_id=transition.handoff_id,
        lead_key=transition.lead_key,
        name=_name(transition),
        title_original=_text(known.get("title")),
        employees=_number(known.get("employees")),
        reason=transition.reason,
        score=transition.score,
        behaviour_score=transition.behaviour_score,
        fit_score=transition.fit_score,
        fit_grade=transition.fit_grade,
        stage=transition.to_stage,
        cycle=transition.cycle,
        previous_handoffs=transition.cycle - 1,
        last_activity_at=max((line.at for line in transition.contributions if line.at), default=None),
        history="\n".join(f"{remark.day}: {remark.text}" for remark in transition.history) or None,
        lead_url=lead_url.replace("{key}", transition.lead_key) if lead_url else None,
        model_id=transition.model_id,
        model_version=transition.model_version,
    )
    return Handoff.model_validate(
        {
            "id": transition.handoff_id,
            "source": f"/leadstreams/{pipeline}",
            "subject": transition.lead_key,
            "time": transition.occurred_at,
            "data": data,
        }
    )


def effect(
    transition: Transition, pipeline: str, lead_url: str | None, language: str, mode: str, partition: int
) -> Effect | None:
    """The handoff, or an update of one, as a record for sales or the shadow topic; None where neither is due."""
    if mode == "off":
        return None
    made = handoff(transition, pipeline, lead_url) or update(transition, pipeline, language)
    return None if made is None else record(made, transition.traceparent, mode, partition)


def record(made: Handoff | LeadUpdate, traceparent: str | None, mode: str, partition: int) -> Effect:
    """The record of an event for sales. Its header names the event itself: receivers tell repeats by it."""
    headers = (
        ("content-type", CONTENT_TYPE.encode()),
        ("traceparent", (traceparent or _trace(made.id)).encode()),
        ("handoff-id", made.id.encode()),
    )
    topic = topics.SALES_HANDOFFS if mode == "live" else topics.SALES_HANDOFFS_SHADOW
    return Effect(topic, partition, made.subject.encode(), made.encode(), headers)


def _trace(handoff_id: str) -> str:
    """A W3C trace context made of the handoff's id, where the edge began none."""
    digits = handoff_id.partition("-")[2]
    return f"00-{digits}-{digits[:16]}-01"


def _name(transition: Transition) -> str | None:
    parts = (transition.lead.get("first_name"), transition.lead.get("last_name"))
    return " ".join(str(part) for part in parts if part) or None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
