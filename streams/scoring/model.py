"""A scoring model made ready to run: rules by event type, lists as sets, nothing left to look up by name."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Final

import msgspec

from schemas.fault import ModelFault
from schemas.model import ScoringModel
from schemas.part import Scalar
from schemas.rule import EventPattern, VisitPattern
from schemas.rule import Rule as Part
from streams.fit.fit import Fit, judge
from streams.fit.terms import FitTerms, compile_fit
from streams.follow_up.model import FollowUp, compile_follow_up
from streams.scoring.attribute import FIT
from streams.scoring.lead import Stage
from streams.scoring.rule import EVERY_PAGE, STAGES, Matcher, Rule, compile_rule, matchers
from streams.scoring.visit import MOST, SPARE, Patterns, Reach, groups_of

HASH_BYTES: Final = 8
FOR_EVER: Final = 2**62
DAYS: Final = "~days"
"""Where a record keeps what makes its days active: under no rule's name."""
MOST_FITS: Final = 50_000
"""Fits remembered, to spare judging the same words anew."""


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
    request_rules: tuple[Rule, ...]
    intent_rules: tuple[Rule, ...]
    pages: Patterns
    reach: Reach
    caps: dict[str, float]
    browser_cap: float | None
    penalties: bool
    lowering: bool
    half_lives: tuple[int, ...]
    by_id: dict[str, Rule]
    fit: FitTerms | None
    follow_up: FollowUp | None
    lists: dict[str, frozenset[str]]  # the first column of each list
    relationships: dict[str, str]  # by company domain
    owners: dict[str, str]  # of accounts, by company domain
    opens: frozenset[str]  # rules that count opened mails
    active: frozenset[str]  # event types that make a day active
    judges: bool  # what is known of a lead can speak against it
    most_fit: float  # points that a fit can give
    lateness: int
    longest: int  # the longest that anything can count: what retention must exceed
    pipeline: str
    handed_over: Stage  # entering it is the handoff
    max_age: int  # an event that arrived later than this after it happened hands nobody over
    since: int = 0  # when it was activated here: the past is not judged by it (Unix ms)
    _fits: dict[tuple[Scalar | None, ...], Fit] = field(default_factory=dict, compare=False, repr=False)

    def handoff_id(self, key: str, cycle: int) -> str:
        """The id of a lead's handoff: the same for ever for the same pipeline, lead key and cycle."""
        name = f"{self.pipeline}\0{key}\0{cycle}".encode()
        return f"ho-{blake2b(name, digest_size=16).hexdigest()}"

    @cached_property
    def remembers(self) -> int:
        """How far back a lead's past matters: the longest that anything counts, and the wait before a return."""
        recycling = self.source.recycling
        waits = [recycling.cool_down, *(reason.cool_down for reason in recycling.reasons.values())]
        return self.longest + max(waits)

    @cached_property
    def lane_requests(self) -> frozenset[str]:
        """The requests that open a lane of their own."""
        return frozenset(lane.request for lane in self.source.lanes)

    def groups(self, url: str | None) -> tuple[str, ...]:
        """The marks that a page of this address sets in its visit."""
        return groups_of(url, self.pages) if self.pages else EVERY_PAGE

    def visit_rules_of(self, groups: tuple[str, ...]) -> tuple[Rule, ...]:
        """The rules that count visits with a page of these groups."""
        return tuple(rule for rule in self.visit_rules if any(group in groups for group in rule.visits))

    def fit_of(self, values: tuple[Scalar | None, ...]) -> Fit | None:
        """The fit of attribute values, in the order of `attribute.FIT`; None in a model without fit."""
        if self.fit is None:
            return None
        found = self._fits.get(values)
        if found is None:
            if len(self._fits) >= MOST_FITS:
                self._fits.clear()
            known = {name: value for name, value in zip(FIT, values, strict=True) if value is not None}
            found = self._fits[values] = judge(known, self.fit)
        return found


def canonical(source: ScoringModel) -> bytes:
    """The one byte form of a model: sorted keys, no blanks, nothing that goes without saying; equal for files that
    say the same, and unchanged by words that later versions add."""
    return msgspec.json.encode(source.model_dump(mode="json", exclude_defaults=True), order="deterministic")


def compile_model(source: ScoringModel, pipeline: str = "leadstreams", since: int = 0) -> Model:
    """The runnable form of a validated model, for the pipeline of this name."""
    rules = tuple(compile_rule(rule, not source.pages) for rule in source.rules)
    by_type: dict[str, list[Matcher]] = {}
    for rule, part in zip(rules, source.rules, strict=True):
        for kind, matcher in matchers(rule, part):
            by_type.setdefault(kind, []).append(matcher)
    visit_rules = tuple(rule for rule in rules if rule.visits)
    name = blake2b(canonical(source), digest_size=HASH_BYTES).hexdigest()
    return Model(
        source=source,
        hash=name,
        alone=(name,),
        rules=rules,
        by_type={name: tuple(found) for name, found in by_type.items()},
        visit_rules=visit_rules,
        event_rules=tuple(rule for rule in rules if not rule.visits),
        request_rules=tuple(rule for rule in rules if rule.request),
        intent_rules=tuple(rule for rule, part in zip(rules, source.rules, strict=True) if _intent(part)),
        pages=tuple((page.name, page.counts, tuple(page.paths)) for page in source.pages),
        reach=_reach(source, visit_rules),
        caps={name: group.cap for name, group in source.groups.items()},
        browser_cap=source.browser_cap,
        lowering=any(rule.lowers for rule in rules),
        penalties=any(rule.penalty for rule in rules),
        half_lives=tuple(rule.half_life for rule in rules if rule.half_life),
        by_id={rule.id: rule for rule in rules},
        fit=_fit(source),
        follow_up=_follow_up(source),
        lists={name: frozenset(row[0] for row in rows) for name, rows in source.lists.items()},
        relationships={row[0]: row[1] for row in source.lists.get("customers", ())},
        owners={row[0]: row[2] for row in source.lists.get("customers", ()) if row[2]},
        most_fit=0.0 if source.fit is None else source.fit.cap,
        opens=frozenset(rule.id for rule in source.rules if any(_of_opens(p) for p in rule.when)),
        active=_active(source),
        judges=source.fit is not None or bool(source.blocks),
        lateness=source.lateness,
        longest=max(rule.keeps + rule.within for rule in rules),
        pipeline=pipeline,
        handed_over=STAGES[source.handoff.stage],
        max_age=FOR_EVER if source.handoff.max_age is None else source.handoff.max_age,
        since=since,
    )


def _of_opens(pattern: EventPattern | VisitPattern) -> bool:
    return isinstance(pattern, EventPattern) and pattern.type == "email_opened"


def _intent(part: Part) -> bool:
    return part.intent or any(isinstance(p, EventPattern) and p.intent for p in part.when)


def _active(source: ScoringModel) -> frozenset[str]:
    asked = source.stages.sql.active_days
    return frozenset(asked.types if asked is not None else ())


def _fit(source: ScoringModel) -> FitTerms | None:
    if source.fit is None:
        return None
    lists = {name: tuple(tuple(row) for row in rows) for name, rows in source.lists.items()}
    terms = compile_fit(source.fit, lists, source.currency)
    if isinstance(terms, FitTerms):
        return terms
    flaw = terms[0]
    where = f"list {flaw.list!r}, row {flaw.row + 1}: " if flaw.row is not None else ""
    raise ModelFault(tuple(flaw.path.split(".")), where + flaw.message)


def _follow_up(source: ScoringModel) -> FollowUp | None:
    if source.follow_up is None and not source.segments:
        return None
    return compile_follow_up(source, source.lists, [rule.id for rule in source.rules], source.timezone)


def _reach(source: ScoringModel, rules: tuple[Rule, ...]) -> Reach:
    """How far back visits are of use. Rules that count some pages only may have to look past many visits."""
    span = max((rule.keeps + rule.within for rule in rules), default=0) + source.lateness
    if any(rule.visits != EVERY_PAGE for rule in rules):
        return Reach(span)
    needed = max((max(rule.at_least, 0 if rule.at_least > 1 else rule.most) for rule in rules), default=1)
    return Reach(span, min(MOST, needed + SPARE))
