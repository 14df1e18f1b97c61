"""What remains under a key once its record has moved or was erased, and what an erasure takes out of a record.

A stub keeps the last cycle, so that a handoff's id never repeats should the key become a lead of its own again.
"""

from streams.scoring.instant import NEVER
from streams.scoring.lead import TICK, Lead, Move, Stage


def moved(lead: Lead) -> Lead:
    """What stays of a record that was sent to the lead that it belongs to: whose it is."""
    return _with_cycle(Lead(claims=lead.claims, arrival=lead.arrival, erased=lead.erased), lead)


def erased(lead: Lead | None, at: int, arrival: int) -> Lead:
    """What stays of an erased person: until when events are denied."""
    if lead is None:
        return Lead(erased=at, arrival=arrival)
    until = max(at, lead.erased)
    shared = lead.claims if len(lead.claims) > 1 else {}  # a shared device does not become one person's
    return _with_cycle(Lead(erased=until, arrival=max(arrival, lead.arrival), claims=shared), lead)


def _with_cycle(stub: Lead, lead: Lead) -> Lead:
    cycle = lead.state.cycle
    if cycle:  # before every event, so that no late one goes back behind it
        stub.moves = [Move(NEVER, TICK, Stage.VISITOR, cycle, stub.erased, NEVER, ())]
        stub.said_cycle = cycle
    return stub


def deny(lead: Lead, until: int) -> None:
    """Take out of a record everything dated up to an erasure; ids stay, so that a repeat is still known."""
    kept = {rule: [c for c in contributions if c.at > until] for rule, contributions in lead.evidence.items()}
    lead.evidence = {rule: contributions for rule, contributions in kept.items() if contributions}
    lead.visits = [visit for visit in lead.visits if visit.start > until]
    lead.known = {name: position for name, position in lead.known.items() if position[0] > until}
    lead.emails = {email: position for email, position in lead.emails.items() if position[0] > until}
    versions = {name: [v for v in found if v.at > until] for name, found in lead.attributes.items()}
    lead.attributes = {name: found for name, found in versions.items() if found}
    lead.feedback = tuple(said for said in lead.feedback if said.at > until)
    lead.occasions = tuple(position for position in lead.occasions if position[0] > until)
    lead.moves = [move for move in lead.moves if move.at > until]
    lead.touches = tuple(touch for touch in lead.touches if touch[0] > until)
