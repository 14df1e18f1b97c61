"""From a transition into the stage that is handed over to the one CloudEvent that sales gets."""

from typing import Final

from schemas.handoff import CONTENT_TYPE, Handoff, HandoffData, LeadUpdate, blank
from streams import topics, trace_context, words
from streams.account_agent import Colleagues
from streams.changes import Effect
from streams.scoring.instant import rfc3339
from streams.story import local_day
from streams.transition import Transition, name_of, text_of

TEXT_FIELDS: Final = (
    *("email", "phone", "title", "company", "company_domain", "industry", "country", "language", "timezone"),
    *("message", "criteria", "request_type", "segment", "approach", "priority", "owner_queue", "account_key"),
    *("account_owner", "respond_by", "seniority", "function", "fit_unknown", "consent_basis"),
    *("first_touch_channel", "last_touch_channel"),
)
MOST_COLLEAGUES: Final = 3
SAID_FIELDS: Final = ("contact_verified", "may_email_marketing", "may_phone")


def handoff(
    transition: Transition, pipeline: str, lead_url: str | None, known_there: dict[str, object] | None = None
) -> Handoff | None:
    """The handoff of a transition; None if the transition hands nothing over. Pure: the same bytes each time.

    `known_there` is what the company's account adds (`colleagues`).
    """
    if transition.handoff_id is None:
        return None
    known = transition.lead | transition.sales
    texts = {name: text_of(known.get(name)) for name in TEXT_FIELDS}
    data = blank(
        HandoffData,
        **texts,
        **{name: known.get(name) for name in SAID_FIELDS},
        handoff_id=transition.handoff_id,
        lead_key=transition.lead_key,
        name=name_of(transition),
        title_original=text_of(known.get("title")),
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
        history="\n".join(f"{f'{one.day} {one.time}'.strip()}: {one.text}" for one in transition.history) or None,
        lead_url=lead_url.replace("{key}", transition.lead_key) if lead_url else None,
        model_id=transition.model_id,
        model_version=transition.model_version,
        **(known_there or {}),
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


def colleagues(found: Colleagues, language: str, timezone: str) -> dict[str, object]:
    """What the company's account adds to a handoff: its other people, and who of them sales has already."""
    first = found.handed[0] if found.handed else None
    told = [
        words.colleague(one.name, one.title, local_day(one.at, timezone, language), one.owner, one.stage, language)
        for one in found.handed[:MOST_COLLEAGUES]
    ]
    return {
        "colleagues_active_30d": found.active,
        "colleagues": "\n".join(told) or None,
        "colleague_handoff_id": first.handoff if first else None,
        "colleague_handed_over_at": rfc3339(first.at) if first else None,
        "colleague_owner": first.owner if first else None,
    }


def record(made: Handoff | LeadUpdate, traceparent: str | None, mode: str, partition: int) -> Effect:
    """The record of an event for sales. Its header names the event itself: receivers tell repeats by it."""
    headers = (
        ("content-type", CONTENT_TYPE.encode()),
        *trace_context.headers(traceparent or _trace(made.id)),
        ("handoff-id", made.id.encode()),
    )
    topic = topics.SALES_HANDOFFS if mode == "live" else topics.SALES_HANDOFFS_SHADOW
    return Effect(topic, partition, made.subject.encode(), made.encode(), headers)


def _trace(handoff_id: str) -> str:
    """A W3C trace context made of the handoff's id, where the edge began none."""
    digits = handoff_id.partition("-")[2]
    return f"00-{digits}-{digits[:16]}-01"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
