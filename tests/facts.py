"""What a record says about a lead, in a form in which two records can be compared."""

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.scoring import memory
from streams.scoring.application import apply
from streams.scoring.event import Event, decode
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.scoring.score import score

LATEST = "\U0010ffff"


def facts(lead: Lead, model: Model) -> dict[str, Any]:
    """Everything that is a function of the set of events.

    Left out: by which identity an event came, which is how it came and not what it says; and visits that no rule
    can reach any more, which are only dropped when a new one begins.
    """
    reach = max((v.end for v in lead.visits), default=0) - model.reach.span
    evidence = {
        rule: [(c.at, c.id, c.points, lead.models[c.model], c.distinct, c.origin) for c in contributions]
        for rule, contributions in lead.evidence.items()
    }
    visits = [
        (v.start, v.end, v.session, {group: (m.at, m.id, m.origin) for group, m in v.marks.items()})
        for v in lead.visits
        if v.end > reach
    ]
    return {
        "evidence": evidence,
        "visits": visits,
        "known": lead.known,
        "emails": lead.emails,
        "attributes": lead.attributes,
        "occasions": [tuple(position) for position in lead.occasions],
        "feedback": lead.feedback,
        "retracted": lead.retracted,
        "ids": remembered(lead),
    }


def remembered(lead: Lead) -> set[bytes]:
    """What a record knows of the events that it had."""
    return set(memory.digests(lead.seen))


def ids(*event_ids: str) -> set[bytes]:
    """What `remembered` says after events of these ids."""
    return set(map(memory.digest, event_ids))


def points(lead: Lead, model: Model, now: int) -> float:
    return score(lead, model, now, LATEST, lead.state).total


def together(documents: Iterable[dict[str, Any]], key: str, model: Model, arrival: int) -> Lead:
    """The record of a person who was never apart: the same events in order of time, under one key."""
    lead = Lead()
    for document in sorted(documents, key=lambda d: (d["occurred_at"], d["event_id"])):
        event = decode(msgspec.json.encode(document))
        assert isinstance(event, Event), event
        apply(lead, key, event, arrival, key, model)
    return lead
