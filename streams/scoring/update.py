"""What sales has to hear about a lead that it is working: notes in the stage history, each told once."""

from typing import Final

from streams.scoring.instant import NEVER
from streams.scoring.lead import Lead, Merged, Move, Stage
from streams.scoring.move import remark
from streams.scoring.step import Step

OPTED_OUT: Final = "opted_out"
BECAME_CUSTOMER: Final = "became_customer"
MACHINE_VERDICT: Final = "machine_verdict"
MERGED: Final = "merged"
NEW_REQUEST: Final = "new_request"
UPDATES: Final = frozenset({OPTED_OUT, BECAME_CUSTOMER, MACHINE_VERDICT, MERGED, NEW_REQUEST})
"""Notes that go to sales rather than to a queue (requirement 55)."""
NURTURED: Final = frozenset({Stage.LEAD, Stage.MQL, Stage.RECYCLED})
"""Who is sent mail meanwhile: that tool hears of an opt-out, and sales does not."""


def note_updates(lead: Lead, step: Step, before: Move) -> None:
    """Note what the event means for whoever works the lead; `before` is where it stood."""
    if isinstance(step.fact, Merged):
        if step.fact.open:
            remark(lead, step.at, step.id, f"{MERGED}:{step.fact.source}", NEVER)
    elif before.open and step.verdict:
        for change in _changes(lead, step):
            remark(lead, step.at, step.id, change, NEVER)
    elif before.stage in NURTURED and step.verdict and _opted_out(lead, step):
        remark(lead, step.at, step.id, OPTED_OUT, NEVER)


def _changes(lead: Lead, step: Step) -> list[str]:
    found = [OPTED_OUT] if _opted_out(lead, step) else []
    if _told(lead, step, "relationship", "customer"):
        found.append(BECAME_CUSTOMER)
    if step.position in lead.retracted.values():
        found.append(MACHINE_VERDICT)
    return found


def _opted_out(lead: Lead, step: Step) -> bool:
    return _told(lead, step, "unsubscribed", True) or _told(lead, step, "complained", True)


def _told(lead: Lead, step: Step, name: str, value: str | bool) -> bool:
    """Whether this very event told so, of the lead or of its company."""
    told = (v for said, found in lead.attributes.items() if said.partition("@")[0] == name for v in found)
    return any((v.at, v.id, v.value) == (*step.position, value) for v in told)
