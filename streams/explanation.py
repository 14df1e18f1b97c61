"""Why a lead stands where it stands: every point with its event, rule and instant, and its way so far.

Pure: a record, a model and an instant in, an account out. The points' values sum to the score.
"""

from typing import Final

import msgspec

from streams.scoring.instant import NEVER, rfc3339
from streams.scoring.lead import START, TICK, Lead, Move, Stage
from streams.scoring.model import Model
from streams.scoring.move import MOVES
from streams.scoring.score import CAP, FIT, Line, ledger
from streams.scoring.standing import Standing
from streams.scoring.timer import due
from streams.transition import held_because

LATEST: Final = "\U0010ffff"
"""After every event id: an instant with all that happened in it."""

KINDS: Final = {"e": "email", "u": "user id", "a": "anonymous id"}
IDENTITIES: Final = frozenset({"email", "phone", "user"})
"""What a record knows a person by; it also notes since when a server has seen them."""
UNTOLD: Final = "an event that the record no longer holds"
TIME: Final = "time"


class Point(msgspec.Struct, frozen=True):
    """One line of the ledger: points given, and what they are worth at the instant asked for."""

    rule: str
    words: str
    event_id: str | None
    at: str
    points: float
    value: float
    model: str
    via: str
    via_key: str


class Step(msgspec.Struct, frozen=True):
    """One change of stage. `cause` is an event's id, or time."""

    at: str
    from_stage: str
    to_stage: str
    cause: str
    words: str
    cycle: int


class Handed(msgspec.Struct, frozen=True):
    """A handoff that was issued."""

    id: str
    cycle: int
    at: str


class Explanation(msgspec.Struct, frozen=True):
    """Everything about one lead at one instant; instants in RFC 3339, UTC."""

    lead_key: str
    asked: str
    at: str
    stage: str
    since: str | None
    cycle: int
    score: float
    held_because: str | None
    next_move: str | None
    last_event: str | None
    known_by: list[str]
    points: list[Point]
    history: list[Step]
    history_complete: bool
    handoffs: list[Handed]
    open_handoffs: list[str]
    aliases: list[str]
    model_name: str
    model_version: str
    model_id: str
    other_models: list[str]
    erased: str | None


def state_at(lead: Lead, at: int) -> Move:
    """The checkpoint of the stage history that holds at an instant."""
    return next((move for move in reversed(lead.moves) if move.at <= at), START)


def explain(key: str, lead: Lead, model: Model, at: int, asked: str | None = None) -> Explanation:
    """The account of a lead as of an instant (Unix ms); `asked` is the key that was asked for, if an alias."""
    state = state_at(lead, at)
    points = [_point(line, key, lead, model) for line in ledger(lead, model, at, LATEST, state)]
    total = sum(point.value for point in points)
    next_due = due(lead, model) if state is lead.state else NEVER
    return Explanation(
        lead_key=key,
        asked=asked or key,
        at=rfc3339(at),
        stage=Stage(state.stage).word,
        since=rfc3339(state.at) if state is not START else None,
        cycle=state.cycle,
        score=total,
        held_because=hindrance(Standing(lead, model, at, LATEST, state, key)),
        next_move=rfc3339(next_due) if next_due != NEVER else None,
        last_event=rfc3339(lead.clock) if lead.clock != NEVER else None,
        known_by=sorted(name for name, (since, _) in lead.known.items() if since <= at and name in IDENTITIES),
        points=points,
        history=_history(lead, model, at),
        history_complete=len(lead.moves) < MOVES,
        handoffs=[Handed(i.handoff, i.cycle, rfc3339(i.at)) for i in lead.issued if i.at <= at],
        open_handoffs=list(state.open),
        aliases=list(lead.aliases),
        model_name=model.source.name,
        model_version=model.source.version,
        model_id=model.hash,
        other_models=[name for name in lead.models if name != model.hash],
        erased=rfc3339(lead.erased) if lead.erased != NEVER else None,
    )


def hindrance(s: Standing) -> str | None:
    """In words, what keeps a lead from the next stage; None once sales has it."""
    match s.state.stage:
        case Stage.VISITOR:
            return "nobody knows who it is: no email address, phone or user id"
        case Stage.LEAD:
            return _below_mql(s)
        case Stage.MQL:
            return "sales still has its last handoff" if s.state.open else held_because(s)
        case Stage.RECYCLED:
            return f"its cool-down until {rfc3339(s.state.back)}"
        case Stage.DISQUALIFIED:
            return "it is disqualified: only a person reinstates it"
    return None


def _below_mql(s: Standing) -> str:
    stage = s.model.source.stages.mql
    if s.total < stage.enter:
        return f"{stage.enter - s.total:g} more points for MQL (has {s.total:g} of {stage.enter:g})"
    if s.behaviour < (stage.behaviour or 0.0):
        return f"{(stage.behaviour or 0.0) - s.behaviour:g} more points of behaviour for MQL"
    return "nothing but its next event: points alone do not lift"


def _point(line: Line, key: str, lead: Lead, model: Model) -> Point:
    via = lead.via[line.via - 1] if line.via else key
    rule = model.by_id.get(line.rule)
    if line.rule.startswith(CAP):
        words = f"{line.rule.removeprefix(CAP)} gives no more"
    elif line.rule.startswith(FIT):
        words = f"fit: {line.rule.removeprefix(FIT)}"
    else:
        words = rule.words[model.source.language] if rule else line.rule
    return Point(
        rule=line.rule,
        words=words,
        event_id=line.event_id,
        at=rfc3339(line.at),
        points=float(line.points),
        value=float(line.value),
        model=line.model,
        via=KINDS.get(via[:1], "other"),
        via_key=via,
    )


def _history(lead: Lead, model: Model, at: int) -> list[Step]:
    steps: list[Step] = []
    before = START.stage if len(lead.moves) < MOVES else lead.moves[0].stage
    causes = _causes(lead, model)
    for move in lead.moves:
        if move.at > at:
            break
        if move.stage != before:
            cause = TIME if move.id == TICK else move.id
            words = _time(before) if move.id == TICK else ", ".join(causes.get(move.id, [UNTOLD]))
            stages = Stage(before).word, Stage(move.stage).word
            steps.append(Step(rfc3339(move.at), *stages, cause, words, move.cycle))
        before = move.stage
    return steps


def _time(left: int) -> str:
    return "its cool-down ended" if left == Stage.RECYCLED else "its score fell below the exit"


def _causes(lead: Lead, model: Model) -> dict[str, list[str]]:
    """What each event that the record holds was, in words, by its id."""
    found: dict[str, list[str]] = {}

    def note(event_id: str, words: str) -> None:
        told = found.setdefault(event_id, [])
        if words not in told:
            told.append(words)

    language = model.source.language
    for rule in model.event_rules:
        for c in lead.evidence.get(rule.id, ()):
            note(c.id, rule.words[language])
    for visit in lead.visits:
        for mark in visit.marks.values():
            note(mark.id, "a visit")
    for said in lead.feedback:
        note(said.id, said.kind + (f" ({said.reason})" if said.reason else ""))
    for merged in lead.merged:
        note(merged.id, "another identity turned out to be this lead")
    for name, (_, event_id) in lead.known.items():
        if name in IDENTITIES:
            note(event_id, f"{name} became known")
    for _, event_id in lead.retracted.values():
        note(event_id, "an event was taken back")
    return found
