"""A change of stage as it stands on `lead-transitions`: the whole structured story of one move."""

from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from streams.scoring.attribute import value_at
from streams.scoring.instant import rfc3339
from streams.scoring.lead import Lead, Move, Stage
from streams.scoring.model import Model
from streams.scoring.score import Line, ledger
from streams.story import history, reason

FLAT = str | int | float | bool | None


class ContributionLine(msgspec.Struct):
    rule: str
    points: float
    value: float
    event_id: str | None
    at: str | None
    model: str


class Remark(msgspec.Struct):
    at: str
    type: str
    text: str


class Transition(msgspec.Struct):
    """The JSON of `schemas.transition.Transition`, which the tests hold it to."""

    schema_version: int
    id: str
    type: str
    lead_key: str
    occurred_at: str
    arrived_at: str
    cycle: int
    from_stage: str
    to_stage: str
    cause: str
    cause_type: str
    late: bool
    held_because: str | None
    reason: str | None
    score: float
    behaviour_score: float
    fit_score: float
    fit_grade: str | None
    model_id: str
    model_name: str
    model_version: str
    handoff_id: str | None
    contributions: list[ContributionLine]
    lead: dict[str, FLAT]
    history: list[Remark]
    traceparent: str | None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Transition)


class Cause(NamedTuple):
    """What brought a move: an event or time, when that arrived, and whether it came late."""

    id: str
    type: str
    arrival: int
    late: bool = False
    traceparent: str | None = None


TIME: Final = "tick"


def tell(
    lead: Lead, key: str, move: Move, left: int, cause: Cause, model: Model, handoff: str | None
) -> Transition:
    """The story of one move of a lead, as of the instant of the move."""
    lines = ledger(lead, model, move.at, move.id, move)
    behaviour = float(sum(line.value for line in lines))
    return Transition(
        schema_version=1,
        id=_id(key, move, left),
        type="stage_changed",
        lead_key=key,
        occurred_at=rfc3339(move.at),
        arrived_at=rfc3339(cause.arrival),
        cycle=move.cycle,
        from_stage=Stage(left).word,
        to_stage=Stage(move.stage).word,
        cause=cause.id or TIME,
        cause_type=cause.type,
        late=cause.late,
        held_because=held_because(lead, move, behaviour, model),
        reason=reason(lines, model),
        score=behaviour,
        behaviour_score=behaviour,
        fit_score=0.0,
        fit_grade=None,
        model_id=model.hash,
        model_name=model.source.name,
        model_version=model.source.version,
        handoff_id=handoff,
        contributions=[_line(line) for line in lines],
        lead=person(lead, move),
        history=[Remark(rfc3339(at), kind, text) for at, kind, text in history(lines, model)],
        traceparent=cause.traceparent,
    )


def held_because(lead: Lead, move: Move, total: float, model: Model) -> str | None:
    """In words, what keeps a marketing-qualified lead from sales."""
    if move.stage != Stage.MQL or model.source.handoff.stage == "mql":
        return None
    sql = model.source.stages.sql
    missing = []
    if total < sql.enter:
        missing.append(f"{sql.enter - total:g} more points (has {total:g} of {sql.enter:g})")
    if sql.contact and not ({"email", "phone"} & lead.known.keys()):
        missing.append("no email address or phone known")
    if not missing and (move.at, move.id) in lead.stale:
        missing.append("the event that would hand it over arrived too late; the next one will")
    return "; ".join(missing) or None


def person(lead: Lead, move: Move) -> dict[str, FLAT]:
    """Who the lead is at a move, flat; only what is known."""
    known: dict[str, FLAT] = {}
    position = (move.at, move.id)
    emails = sorted((at, email) for email, at in lead.emails.items() if at <= position)
    if emails:
        known["email"] = emails[0][1]
    for name in sorted(lead.attributes):
        value = value_at(lead, name, *position)
        if value is not None:
            known[name] = value
    return known


def _line(line: Line) -> ContributionLine:
    at = rfc3339(line.at)
    return ContributionLine(line.rule, float(line.points), float(line.value), line.event_id, at, line.model)


def _id(key: str, move: Move, left: int) -> str:
    name = f"{key}\0{move.cycle}\0{left}\0{move.stage}\0{move.at}\0{move.id}".encode()
    return f"tr-{blake2b(name, digest_size=16).hexdigest()}"


def encode(transition: Transition) -> bytes:
    return _encoder.encode(transition)


def decode(value: bytes) -> Transition | None:
    """None for a record that is not a transition."""
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError:
        return None
