"""A scoring model made ready to run: rules by event type, patterns compiled, nothing left to look up by name."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import Final

import msgspec

from schemas.model import EventPattern, Scalar, ScoringModel, VisitPattern
from schemas.model import Rule as Part
from streams.scoring.event import Event
from streams.scoring.lead import Stage
from streams.scoring.visit import ANY, MOST, SPARE, Patterns, Reach, groups_of

HASH_BYTES: Final = 8

Match = Callable[[Event], bool]
STAGES: Final = {"mql": Stage.MQL, "sql": Stage.SQL}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the model. Spans in milliseconds; `most` contributions count, the newest."""

    id: str
    points: float
    keeps: int
    half_life: int | None
    at_least: int
    within: int
    most: int
    distinct: str | None
    group: str | None
    lifts_to: Stage
    visits: tuple[str, ...]  # the page groups counted, empty for a rule on events
    every_page: bool  # every page counts: a visit is dated at its start
    penalty: bool
    lowers: bool  # counting one event can lower the score
    highest: float  # points that one contribution can have
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Matcher:
    """How one rule counts one type of event."""

    rule: Rule
    points: float
    matches: Match | None  # None: every event of the type


EVERY_PAGE: Final = (ANY,)
FOR_EVER: Final = 2**62
UNLIMITED: Final = 50
"""Contributions kept of a rule that names no `max`."""


@dataclass(frozen=True)
class Model:
    """A model in force: its file's content, its identity, and the compiled forms."""

    source: ScoringModel
    hash: str
    alone: tuple[str]  # the hash, as leads keep it that know this model only
    rules: tuple[Rule, ...]
    by_type: dict[str, tuple[Matcher, ...]]
    visit_rules: tuple[Rule, ...]
    event_rules: tuple[Rule, ...]
    pages: Patterns
    reach: Reach
    caps: dict[str, float]
    penalties: bool
    lowering: bool
    half_lives: tuple[int, ...]
    by_id: dict[str, Rule]
    lateness: int
    longest: int  # the longest that anything can count: what retention must exceed
    pipeline: str
    handed_over: Stage  # entering it is the handoff
    max_age: int  # an event that arrived later than this after it happened hands nobody over

    def handoff_id(self, key: str, cycle: int) -> str:
        """The id of a lead's handoff: the same for ever for the same pipeline, lead key and cycle."""
        name = f"{self.pipeline}\0{key}\0{cycle}".encode()
        return f"ho-{blake2b(name, digest_size=16).hexdigest()}"

    @property
    def remembers(self) -> int:
        """How far back a lead's past matters: the longest that anything counts, and the wait before a return."""
        return self.longest + self.source.recycling.cool_down

    def groups(self, url: str | None) -> tuple[str, ...]:
        """The marks that a page of this address sets in its visit."""
        return groups_of(url, self.pages) if self.pages else EVERY_PAGE

    def visit_rules_of(self, groups: tuple[str, ...]) -> tuple[Rule, ...]:
        """The rules that count visits with a page of these groups."""
        return tuple(rule for rule in self.visit_rules if any(group in groups for group in rule.visits))


def canonical(source: ScoringModel) -> bytes:
    """The one byte form of a model: sorted keys, no blanks, nothing that goes without saying; equal for files that
    say the same, and unchanged by words that later versions add."""
    return msgspec.json.encode(source.model_dump(mode="json", exclude_defaults=True), order="deterministic")


def compile_model(source: ScoringModel, pipeline: str = "leadstreams") -> Model:
    """The runnable form of a validated model, for the pipeline of this name."""
    rules = tuple(_rule(rule, not source.pages) for rule in source.rules)
    by_type: dict[str, list[Matcher]] = {}
    for rule, part in zip(rules, source.rules, strict=True):
        for pattern in part.when:
            if isinstance(pattern, EventPattern):
                points = rule.points if pattern.points is None else pattern.points
                by_type.setdefault(pattern.type, []).append(Matcher(rule, points, _match(pattern)))
    visit_rules = tuple(rule for rule in rules if rule.visits)
    name = blake2b(canonical(source), digest_size=HASH_BYTES).hexdigest()
    return Model(
        source=source,
        hash=name,
        alone=(name,),
        rules=rules,
        by_type={name: tuple(matchers) for name, matchers in by_type.items()},
        visit_rules=visit_rules,
        event_rules=tuple(rule for rule in rules if not rule.visits),
        pages=tuple((page.name, page.counts, tuple(page.paths)) for page in source.pages),
        reach=_reach(visit_rules, source.lateness),
        caps={name: group.cap for name, group in source.groups.items()},
        lowering=any(rule.lowers for rule in rules),
        penalties=any(rule.penalty for rule in rules),
        half_lives=tuple(rule.half_life for rule in rules if rule.half_life),
        by_id={rule.id: rule for rule in rules},
        lateness=source.lateness,
        longest=max(rule.keeps + rule.within for rule in rules),
        pipeline=pipeline,
        handed_over=STAGES[source.handoff.stage],
        max_age=FOR_EVER if source.handoff.max_age is None else source.handoff.max_age,
    )


def _rule(part: Part, every_page: bool) -> Rule:
    visits = next((p.visit or [ANY] for p in part.when if isinstance(p, VisitPattern)), [])
    return Rule(
        id=part.id,
        points=part.points,
        keeps=part.keeps,
        half_life=part.half_life,
        at_least=part.at_least or 1,
        within=part.within or 0,
        most=part.max or (1 if part.at_least else UNLIMITED),
        distinct=part.distinct,
        group=part.group,
        lifts_to=STAGES[part.lifts_to],
        visits=tuple(visits),
        every_page=visits == [ANY] and every_page,
        penalty=part.points < 0,
        lowers=part.points < 0 or any(isinstance(p, EventPattern) and p.points is not None for p in part.when),
        highest=max([part.points, *(p.points or 0.0 for p in part.when if isinstance(p, EventPattern))]),
        words=part.reason.model_dump(),
    )


def _reach(rules: tuple[Rule, ...], lateness: int) -> Reach:
    """How far back visits are of use. Rules that count some pages only may have to look past many visits."""
    span = max((rule.keeps + rule.within for rule in rules), default=0) + lateness
    if any(rule.visits != EVERY_PAGE for rule in rules):
        return Reach(span)
    needed = max((max(rule.at_least, 0 if rule.at_least > 1 else rule.most) for rule in rules), default=1)
    return Reach(span, min(MOST, needed + SPARE))


def _match(pattern: EventPattern) -> Match | None:
    tests = [_test(name, value) for name, value in pattern.where.items()]
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _test(name: str, value: Scalar | list[Scalar]) -> Match:
    wanted = frozenset(value if isinstance(value, list) else [value])
    if name in Event.__struct_fields__:
        read = attrgetter(name)
        return lambda event: _in(read(event), wanted)
    return lambda event: _in(event.field(name), wanted)


def _in(value: object, wanted: frozenset[Scalar]) -> bool:
    try:
        return value in wanted
    except TypeError:  # a list or an object equals no scalar
        return False
