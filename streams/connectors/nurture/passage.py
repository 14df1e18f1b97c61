"""One record of `lead-transitions` as nurture sees it: where a lead stands now, what it agreed to, who it is."""

from typing import Final

from schemas.dead_letter import Reason, Rejected
from schemas.instant import instant, milliseconds
from streams import transition
from streams.connectors.event import Event, Scalar, Unknown
from streams.transition import Transition

MOVED: Final = "moved"
OPTED_OUT: Final = "opted_out"
ERASED: Final = "erased"
MERGED: Final = "merged"
TOLD: Final = frozenset({OPTED_OUT, ERASED, MERGED})
"""Of what else is told about a lead, what concerns nurture."""


def decode(value: bytes | None) -> Event | Unknown | Rejected:
    """The event in a record's value; its `change` is one of the above. Pure."""
    if value is None:
        return Rejected(Reason.NULL_VALUE, "expected a transition")
    told = transition.decode(value)
    if told is None:
        return Rejected(Reason.BAD_JSON, "expected a transition")
    change = MOVED if told.type == transition.STAGE_CHANGED else told.sales.get("change")
    if change != MOVED and change not in TOLD:
        return Unknown(told.type)
    # By whichever key the person was told of before.
    key = told.sales.get("merged_from") or told.lead_key
    data = {"change": change} if change in (ERASED, MERGED) else {**_facts(told), "change": change}
    return Event(told.id, told.type, str(key), milliseconds(instant(told.occurred_at)), data, value)


def _facts(told: Transition) -> dict[str, Scalar]:
    """Flat, named as in a handoff's data."""
    names = (told.lead.get("first_name"), told.lead.get("last_name"))
    return {
        **told.lead,
        **told.sales,
        "name": " ".join(str(name) for name in names if name) or None,
        "title_original": told.lead.get("title"),
        "lead_key": told.lead_key,
        "from_stage": told.from_stage,
        "stage": told.to_stage,
        "cycle": told.cycle,
        "reason": told.reason,
        "held_because": told.held_because,
        "score": told.score,
        "behaviour_score": told.behaviour_score,
        "fit_score": told.fit_score,
        "fit_grade": told.fit_grade,
        "model_id": told.model_id,
        "model_version": told.model_version,
    }


def known(event: Event) -> bool:
    """Whether anybody outside can know this lead: by its address, or because it once had one."""
    return bool(event.data.get("email")) or event.change in (ERASED, MERGED)
