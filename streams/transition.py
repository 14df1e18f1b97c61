"""A change of stage as it stands on `lead-transitions`: the whole structured story of one move."""

from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from streams.briefing import briefing
from streams.scoring import issue
from streams.scoring.attribute import value_at
from streams.scoring.instant import rfc3339
from streams.scoring.lead import Lead, Move, Stage
from streams.scoring.model import Model
from streams.scoring.qualification import PROMOTED, missing
from streams.scoring.score import Line, ledger, of_fit
from streams.scoring.standing import Standing
from streams.scoring.update import UPDATES
from streams.story import Remark, history, reason
from streams.words import held, promotion

FLAT = str | int | float | bool | None


class ContributionLine(msgspec.Struct):
    rule: str
    points: float
    value: float
    event_id: str | None
    at: str | None
    model: str


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
    sales: dict[str, FLAT]
    history: list[Remark]
    traceparent: str | None
    account: str | None = None


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
STAGE_CHANGED: Final = "stage_changed"
UPDATED: Final = "lead_updated"
"""The type of what goes to sales about a lead that it has."""


def tell(
    lead: Lead, key: str, move: Move, left: int, cause: Cause, model: Model, handoff: str | None
) -> Transition:
    """The story of one move or note of a lead, as of its instant."""
    standing = Standing(lead, model, move.at, move.id, move, key)
    lines = ledger(lead, model, move.at, move.id, move)
    fit = standing.fit
    sales = briefing(standing, handoff is not None, cause.arrival)
    return Transition(
        schema_version=1,
        id=_id(key, move, left),
        type=kind(move),
        lead_key=key,
        occurred_at=rfc3339(move.at),
        arrived_at=rfc3339(cause.arrival),
        cycle=move.cycle,
        from_stage=Stage(left).word,
        to_stage=Stage(move.stage).word,
        cause=cause.id or TIME,
        cause_type=cause.type,
        late=cause.late,
        held_because=None if _passed(lead, move) else held_because(standing),
        reason=reason(lines, lead, model, _promoted(standing) if handoff else None),
        score=float(sum(line.value for line in lines)),
        behaviour_score=float(sum(line.value for line in lines if not of_fit(line))),
        fit_score=0.0 if fit is None else fit.points,
        fit_grade=None if fit is None else fit.grade,
        model_id=model.hash,
        model_name=model.source.name,
        model_version=model.source.version,
        handoff_id=handoff,
        contributions=[_line(line) for line in lines],
        lead=person(lead, move),
        sales=sales,
        history=history(lines, lead, model),
        traceparent=cause.traceparent,
        account=text_of(sales.get("account_key")) if handoff else _account(lead, sales),
    )


def _account(lead: Lead, sales: dict[str, FLAT]) -> str | None:
    """Whose agent gives out an update: that of the handoff which it is about."""
    about = sales.get("handoff") if "change" in sales else None
    return None if about is None else issue.account_of(lead, str(about)) or None


def _passed(lead: Lead, move: Move) -> bool:
    """Whether the lead only passed through this stage, on its way to a further one by the same event."""
    return any((m.at, m.id) == (move.at, move.id) and m.stage > move.stage for m in lead.moves)


def kind(move: Move) -> str:
    """The transition's type: what a note says, else that the stage changed."""
    if not move.note:
        return STAGE_CHANGED
    name = move.note.partition(":")[0]
    return UPDATED if name in UPDATES else name


def name_of(told: Transition) -> str | None:
    """The person's name, as far as it is known."""
    parts = (told.lead.get("first_name"), told.lead.get("last_name"))
    return " ".join(str(part) for part in parts if part) or None


def text_of(value: object) -> str | None:
    """A value as a text, None where there is none."""
    return None if value is None else str(value)


def held_because(s: Standing) -> str | None:
    """In words, what keeps a marketing-qualified lead from sales."""
    if s.state.stage != Stage.MQL or s.model.source.handoff.stage == "mql":
        return None
    return held(missing(s), s.model.source.language)


def _promoted(s: Standing) -> str | None:
    """What a person said who handed the lead over, whatever its score."""
    if s.state.lane != PROMOTED:
        return None
    why = next((said.reason for said in s.lead.feedback if said.id == s.state.id), None)
    return promotion(why, s.model.source.language)


def person(lead: Lead, move: Move) -> dict[str, FLAT]:
    """Who the lead is at a move, flat; only what is known."""
    known: dict[str, FLAT] = {}
    position = (move.at, move.id)
    emails = sorted((at, email) for email, at in lead.emails.items() if at <= position)
    if emails:
        known["email"] = emails[0][1]
    for name in sorted(name for name in lead.attributes if "@" not in name):  # what a company is to us is no one's
        value = value_at(lead, name, *position)
        if value is not None:
            known[name] = value
    return known


def _line(line: Line) -> ContributionLine:
    at = rfc3339(line.at)
    return ContributionLine(line.rule, float(line.points), float(line.value), line.event_id, at, line.model)


def _id(key: str, move: Move, left: int) -> str:
    note = f"\0{move.note}" if move.note else ""
    name = f"{key}\0{move.cycle}\0{left}\0{move.stage}\0{move.at}\0{move.id}{note}".encode()
    return f"tr-{blake2b(name, digest_size=16).hexdigest()}"


def encode(transition: Transition) -> bytes:
    return _encoder.encode(transition)


def decode(value: bytes) -> Transition | None:
    """None for a record that is not a transition."""
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError:
        return None
