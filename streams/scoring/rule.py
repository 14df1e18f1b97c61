"""One rule of a scoring model made ready to run: patterns compiled to tests, nothing left to look up by name."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from schemas.part import Scalar
from schemas.rule import EventPattern, Given, VisitPattern
from schemas.rule import Rule as Part
from streams.scoring.attribute import plain
from streams.scoring.event import Event
from streams.scoring.lead import Stage
from streams.scoring.visit import ANY

Match = Callable[[Event], bool]
STAGES: Final = {"mql": Stage.MQL, "sql": Stage.SQL}
EVERY_PAGE: Final = (ANY,)
UNLIMITED: Final = 50
"""Contributions kept of a rule that names no `max`."""


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
    prefer: str
    group: str | None
    lifts_to: Stage
    intent: bool
    request: bool
    not_with_sales: bool
    visits: tuple[str, ...]  # the page groups counted, empty for a rule on events
    every_page: bool  # every page counts: a visit is dated at its start
    penalty: bool
    lowers: bool  # counting one event can lower the score
    plain: bool  # nothing but keeps and max decide what counts
    highest: float  # points that one contribution can have
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Matcher:
    """How one rule counts one type of event."""

    rule: Rule
    points: float
    intent: bool
    matches: Match | None  # None: every event of the type


def compile_rule(part: Part, every_page: bool) -> Rule:
    """The runnable form; `every_page`: the model has no page groups, all pages are alike."""
    visits = next((p.visit or [ANY] for p in part.when if isinstance(p, VisitPattern)), [])
    events = [p for p in part.when if isinstance(p, EventPattern)]
    return Rule(
        id=part.id,
        points=part.points,
        keeps=part.keeps,
        half_life=part.half_life,
        at_least=part.at_least or 1,
        within=part.within or 0,
        most=part.max or (1 if part.at_least or part.prefer == "first" else UNLIMITED),
        distinct=part.distinct,
        prefer=part.prefer,
        group=part.group,
        lifts_to=STAGES[part.lifts_to],
        intent=part.intent,
        request=part.request,
        not_with_sales=part.not_with_sales,
        visits=tuple(visits),
        every_page=visits == [ANY] and every_page,
        penalty=part.points < 0,
        lowers=part.points < 0 or any(p.points is not None for p in events) or part.prefer != "newest",
        plain=part.distinct is None and part.prefer == "newest" and not part.not_with_sales,
        highest=max([part.points, *(p.points or 0.0 for p in events)]),
        words=part.reason.model_dump(),
    )


def matchers(rule: Rule, part: Part) -> list[tuple[str, Matcher]]:
    """How the rule counts events, by their type.

    Where the first word counts, what says otherwise has to be kept too: it gives nothing, but it came first.
    """
    found: list[tuple[str, Matcher]] = []
    for pattern in part.when:
        if isinstance(pattern, EventPattern):
            points = rule.points if pattern.points is None else pattern.points
            matches = _match(pattern)
            found.append((pattern.type, Matcher(rule, points, rule.intent or pattern.intent, matches)))
            if rule.prefer == "first" and matches is not None:
                found.append((pattern.type, Matcher(rule, 0.0, False, _others(pattern, matches))))
    return found


def _others(pattern: EventPattern, matches: Match) -> Match:
    """Events that say something of the same fields, but not what the pattern asks for."""
    fields = Given(at_least=len(pattern.where), of=list(pattern.where))
    given = _given(fields)
    return lambda event: given(event) and not matches(event)


def _match(pattern: EventPattern) -> Match | None:
    tests = [_test(name, value) for name, value in pattern.where.items()]
    tests += [_not(_test(name, value)) for name, value in pattern.unless.items()]
    if pattern.fields is not None:
        tests.append(_given(pattern.fields))
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _not(test: Match) -> Match:
    return lambda event: not test(event)


def _test(name: str, value: Scalar | list[Scalar]) -> Match:
    wanted = frozenset(value if isinstance(value, list) else [value])
    read = _reader(name)
    return lambda event: _in(read(event), wanted)


def _given(given: Given) -> Match:
    readers = [_reader(name) for name in dict.fromkeys(given.of)]
    return lambda event: sum(plain(read(event)) is not None for read in readers) >= given.at_least


def _reader(name: str) -> Callable[[Event], object]:
    if name in Event.__struct_fields__:
        return attrgetter(name)
    return lambda event: event.field(name)


def _in(value: object, wanted: frozenset[Scalar]) -> bool:
    try:
        return value in wanted
    except TypeError:  # a list or an object equals no scalar
        return False
