"""Why a lead stands where it stands: every point with its event, rule and instant, and its way so far.

Pure: a record, a model and an instant in, an account out. The points' values sum to the score.
"""

from datetime import datetime
from typing import Final

import msgspec

from streams import story
from streams.scoring.instant import NEVER, rfc3339, zone
from streams.scoring.lead import START, TICK, Issued, Lead, Move, Stage
from streams.scoring.model import Model
from streams.scoring.move import MOVES
from streams.scoring.qualification import SCORE, Missing, missing
from streams.scoring.rule import Rule
from streams.scoring.score import CAP, FIT, Line, alive, ledger, of_fit
from streams.scoring.standing import REACHABLE, Standing
from streams.scoring.timer import due
from streams.words import answer, cap, fit, happened, held, request

LATEST: Final = "\U0010ffff"
"""After every event id: an instant with all that happened in it."""

KINDS: Final = {"e": "email", "u": "user id", "a": "anonymous id"}
IDENTITIES: Final = frozenset({"email", "phone", "user"})
"""What a record knows a person by; it also notes since when a server has seen them."""
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
    """A handoff that was issued. `lane`: by what it qualified; `respond_by`: when sales has to answer."""

    id: str
    cycle: int
    at: str
    lane: str
    respond_by: str | None


class Note(msgspec.Struct, frozen=True):
    """What a person was asked to look at: `review_requested`, `existing_relationship`, `handoff_overdue`."""

    at: str
    kind: str
    respond_by: str | None


class Explanation(msgspec.Struct, frozen=True):
    """Everything about one lead at one instant; instants in RFC 3339, UTC.

    `held`: what keeps it from its next stage, as codes that do not change; `held_because` says the same in words.
    """

    lead_key: str
    asked: str
    at: str
    stage: str
    since: str | None
    cycle: int
    score: float
    behaviour: float
    fit: float
    fit_grade: str | None
    fit_unknown: list[str]
    held: list[str]
    held_because: str | None
    next_move: str | None
    last_event: str | None
    known_by: list[str]
    points: list[Point]
    history: list[Step]
    history_complete: bool
    handoffs: list[Handed]
    open_handoffs: list[str]
    notes: list[Note]
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
    standing = Standing(lead, model, at, LATEST, state, key)
    lines = ledger(lead, model, at, LATEST, state)
    points = [_point(line, key, standing) for line in lines]
    fit, lacks = standing.fit, lacking(standing)
    next_due = due(lead, model) if state is lead.state else NEVER
    return Explanation(
        lead_key=key,
        asked=asked or key,
        at=rfc3339(at),
        stage=Stage(state.stage).word,
        since=rfc3339(state.at) if state is not START else None,
        cycle=state.cycle,
        score=sum(point.value for point in points),
        behaviour=float(sum(line.value for line in lines if not of_fit(line))),
        fit=0.0 if fit is None else fit.points,
        fit_grade=None if fit is None else fit.grade,
        fit_unknown=[] if fit is None else list(fit.unknown),
        held=[] if lacks is None else codes(lacks),
        held_because=None if lacks is None else held(lacks, model.source.language),
        next_move=rfc3339(next_due) if next_due != NEVER else None,
        last_event=rfc3339(lead.clock) if lead.clock != NEVER else None,
        known_by=sorted(name for name, (since, _) in lead.known.items() if since <= at and name in IDENTITIES),
        points=points,
        history=_history(lead, model, at),
        history_complete=len(lead.moves) < MOVES,
        handoffs=[_handed(issued, lead) for issued in lead.issued if issued.at <= at],
        open_handoffs=list(state.open),
        notes=[_note(move) for move in lead.moves if move.note and move.at <= at],
        aliases=list(lead.aliases),
        model_name=model.source.name,
        model_version=model.source.version,
        model_id=model.hash,
        other_models=[name for name in lead.models if name != model.hash],
        erased=rfc3339(lead.erased) if lead.erased != NEVER else None,
    )


def _handed(issued: Issued, lead: Lead) -> Handed:
    moves = (m for m in lead.moves if m.cycle == issued.cycle and m.deadline != NEVER and not m.note)
    deadline = next((move.deadline for move in moves), NEVER)
    by = rfc3339(deadline) if deadline != NEVER else None
    return Handed(issued.handoff, issued.cycle, rfc3339(issued.at), issued.lane or SCORE, by)


def _note(move: Move) -> Note:
    by = rfc3339(move.deadline) if move.deadline != NEVER else None
    return Note(rfc3339(move.at), move.note.partition(":")[0], by)


def lacking(s: Standing) -> list[Missing] | None:
    """What keeps a lead from the next stage: nothing but its next event if the list is empty.

    None once sales has the lead, and where the model hands it over as it is.
    """
    match s.state.stage:
        case Stage.VISITOR:
            return [Missing("unknown")]
        case Stage.LEAD:
            return _below_mql(s)
        case Stage.MQL:
            if s.state.open:
                return [Missing("with_sales")]
            return None if s.model.source.handoff.stage == "mql" else missing(s)
        case Stage.RECYCLED:
            until = datetime.fromtimestamp(s.state.back / 1000, zone(s.model.source.timezone))
            return [Missing("cool_down", name=f"{until:%Y-%m-%d %H:%M}")]
        case Stage.DISQUALIFIED:
            return [Missing("disqualified")]
    return None


def codes(lacks: list[Missing]) -> list[str]:
    """The names of what is missing; a block is known by its own."""
    return [one.name if one.code == "block" else one.code for one in lacks] or ["next_event"]


def hindrance(s: Standing) -> str | None:
    """In words, what keeps a lead from the next stage; None as in `lacking`."""
    lacks = lacking(s)
    return None if lacks is None else held(lacks, s.model.source.language)


def _below_mql(s: Standing) -> list[Missing]:
    stage = s.model.source.stages.mql
    found = [Missing("block", name=name) for name, effect in s.blocks.items() if effect == "hard"]
    if stage.contact and not s.knows(REACHABLE):
        found.append(Missing("contact"))
    grade = "" if s.fit is None else s.fit.grade
    if stage.grades is not None and grade not in stage.grades:
        found.append(Missing("grade", name=grade))
    if s.total < stage.enter:
        found.append(Missing("mql_points", s.total, stage.enter))
    if s.behaviour < (stage.behaviour or 0.0):
        found.append(Missing("mql_behaviour", s.behaviour, stage.behaviour or 0.0))
    return found or [Missing("next_event")]


def _point(line: Line, key: str, s: Standing) -> Point:
    via = s.lead.via[line.via - 1] if line.via else key
    return Point(
        rule=line.rule,
        words=_words(line, s),
        event_id=line.event_id,
        at=rfc3339(line.at),
        points=float(line.points),
        value=float(line.value),
        model=line.model,
        via=KINDS.get(via[:1], "other"),
        via_key=via,
    )


def _words(line: Line, s: Standing) -> str:
    language = s.model.source.language
    kind, colon, name = line.rule.partition(":")
    if f"{kind}{colon}" == CAP:
        return cap(name, _most(name, s.model), language)
    if f"{kind}{colon}" == FIT:
        return fit(name, _judged(name, s), language)
    return story.words(line, s.lead, s.model)


def _most(name: str, model: Model) -> float:
    """How much a group, browsers, the fit or a part of it may give."""
    part = model.source.fit
    of_part = {"fit": part.cap, "needs": part.needs.cap if part.needs else 0.0} if part is not None else {}
    return {"browser": model.browser_cap or 0.0, **of_part, **model.caps}[name]


def _judged(dimension: str, s: Standing) -> str | None:
    """As what an answer was read, where that is one word."""
    found = s.fit
    if found is None:
        return None
    match dimension:
        case "seniority":
            return found.seniority.name.lower() if found.seniority is not None else None
        case "employees":
            return None if found.employees is None else f"{found.employees:,}"
        case "function" | "industry":
            return getattr(found, dimension)  # type: ignore[no-any-return]
        case "geography":
            return found.country
    return None


def _history(lead: Lead, model: Model, at: int) -> list[Step]:
    steps: list[Step] = []
    before = START.stage if len(lead.moves) < MOVES else lead.moves[0].stage
    causes = _causes(lead, model)
    for move in lead.moves:
        if move.at > at:
            break
        if move.stage != before:
            cause = TIME if move.id == TICK else move.id
            words = _time(before, model) if move.id == TICK else _joined(causes.get(move.id), model)
            stages = Stage(before).word, Stage(move.stage).word
            steps.append(Step(rfc3339(move.at), *stages, cause, words, move.cycle))
        before = move.stage
    return steps


def _joined(causes: list[str] | None, model: Model) -> str:
    language = model.source.language
    return (", " if language == "en" else "、").join(causes or [happened("untold", language)])


def _time(left: int, model: Model) -> str:
    match left:
        case Stage.RECYCLED:
            what = "cooled_down"
        case Stage.MQL:
            what = "score_fell" if model.source.stages.mql.leave_by == "score" else "behaviour_fell"
        case _:
            what = "not_worked"
    return happened(what, model.source.language)


def _brought(rule: Rule, at: int, event_id: str, lead: Lead) -> bool:
    """Whether the rule gave its points at that event: one of several is not enough for `at_least`."""
    return any(c.id == event_id for c in alive(rule, lead, at, event_id, START.floor))


def _causes(lead: Lead, model: Model) -> dict[str, list[str]]:
    """What each event that the record holds was, in words, by its id."""
    found: dict[str, list[str]] = {}

    def note(event_id: str, words: str) -> None:
        told = found.setdefault(event_id, [])
        if words not in told:
            told.append(words)

    language = model.source.language
    several = [rule for rule in model.visit_rules if rule.at_least > 1]
    for rule in model.event_rules:
        for c in lead.evidence.get(rule.id, ()):
            if rule.at_least > 1 and not _brought(rule, c.at, c.id, lead):
                continue
            asked = request(c.distinct, language) if rule.request else None
            note(c.id, asked or rule.words[language])
    for visit in lead.visits:
        for mark in visit.marks.values():
            counted = [rule for rule in several if _brought(rule, mark.at, mark.id, lead)]
            for words in [rule.words[language] for rule in counted] or [happened("visit", language)]:
                note(mark.id, words)
    for said in lead.feedback:
        note(said.id, answer(said.kind, said.reason, language))
    for merged in lead.merged:
        note(merged.id, happened("merge", language))
    for name, (_, event_id) in lead.known.items():
        if name in IDENTITIES:
            note(event_id, happened(name, language))
    for versions in lead.attributes.values():
        for version in versions:
            if version.id not in found:
                note(version.id, happened("told", language))
    for _, event_id in lead.retracted.values():
        note(event_id, happened("retracted", language))
    return found
