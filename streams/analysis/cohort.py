"""Weeks of new leads and what became of each within one span of time; what was promoted too early."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from streams.analysis.comparison import week
from streams.analysis.interval import Share, share
from streams.analysis.life import CHAIN, Life
from streams.scoring.instant import milliseconds
from streams.transition import Transition

SOURCES_SHARE: Final = 0.9
"""Of the MQLs, those that never become SQL for being promoted too early: the figure that the sources deplore."""


class Cohort(NamedTuple):
    """The leads of one week (its Monday). `reached`: who got so far within the span; only final if `matured`."""

    week: str
    reached: dict[str, int]
    matured: bool


class Conversion(NamedTuple):
    """Of those who had the time to, how many went on from one step to the next."""

    step: str
    to: str
    share: Share


class Premature(NamedTuple):
    """Matured MQLs that came to nothing, and by the rule that first lifted them the premature ones."""

    share: Share
    never_sql: int
    rejected: int
    unworked: int
    rules: dict[str, Share]


def cohorts(lives: Sequence[Life], span: int, zone_name: str, end: int) -> list[Cohort]:
    """By the week in which somebody became a lead."""
    weeks: dict[str, list[Life]] = defaultdict(list)
    for life in lives:
        weeks[week(life.entered, zone_name)].append(life)
    return [
        Cohort(
            monday,
            {step: sum(life.within(step, span) for life in members) for step in CHAIN},
            max(life.entered for life in members) + span <= end,
        )
        for monday, members in sorted(weeks.items())
    ]


def conversions(lives: Sequence[Life], span: int, end: int) -> list[Conversion]:
    """From step to step, of the persons who reached the first at least the span before the end."""
    found: list[Conversion] = []
    for step, to in itertools.pairwise(CHAIN):
        ripe = [life for life in lives if step in life.first and life.first[step] + span <= end]
        went = sum(to in life.first and life.first[to] < life.first[step] + span for life in ripe)
        found.append(Conversion(step, to, share(went, len(ripe))))
    return found


def premature(lives: Sequence[Life], span: int, end: int) -> Premature:
    """Of MQLs whose span is over: never SQL within it, or SQL and given back or never worked."""
    ripe = [life for life in lives if "mql" in life.first and life.first["mql"] + span <= end]
    fates = {life.person: _fate(life, span) for life in ripe}
    counts = Counter(fates.values())
    by_rule: dict[str, list[bool]] = defaultdict(list)
    for life in ripe:
        for rule in lifted_by(life):
            by_rule[rule].append(fates[life.person] != GOOD)
    early = len(ripe) - counts[GOOD]
    return Premature(
        share(early, len(ripe)),
        counts[NEVER_SQL],
        counts[REJECTED],
        counts[UNWORKED],
        {rule: share(sum(early), len(early)) for rule, early in sorted(by_rule.items())},
    )


GOOD, NEVER_SQL, REJECTED, UNWORKED = "good", "never_sql", "rejected", "unworked"


def _fate(life: Life, span: int) -> str:
    """What the first promotion came to."""
    sql = life.first.get("sql")
    if sql is None or sql >= life.first["mql"] + span:
        return NEVER_SQL
    if "meeting" in life.first:
        return GOOD
    if any(one.to_stage == "recycled" and one.cause_type == "tick" for one in life.told):
        return UNWORKED
    back = any(answer.kind in ("handoff_rejected", "lead_disqualified") for answer in life.answers)
    return REJECTED if back else GOOD


def lifted_by(life: Life) -> list[str]:
    """The rules that counted the event which made it MQL first; the event's type if it gave no points."""
    first = next((one for one in life.told if one.type == "stage_changed" and one.to_stage == "mql"), None)
    return [] if first is None else tipping(first)


def tipping(one: Transition) -> list[str]:
    """The rules of the contributions that a move's own event brought."""
    rules = {
        line.rule for line in one.contributions if line.event_id == one.cause and not line.rule.startswith("fit:")
    }
    return sorted(rules) or [one.cause_type]


def instant(one: Transition) -> int:
    return milliseconds(one.occurred_at)
