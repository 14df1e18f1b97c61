"""Whether the parts of a scoring model agree: what one part names, another one has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from schemas.fault import ModelFault
from schemas.part import Scalar
from schemas.rule import EventPattern, Rule, VisitPattern

if TYPE_CHECKING:
    from schemas.model import ScoringModel

RESERVED_GROUPS = frozenset({"browser", "fit", "needs"})
"""Caps that a ledger names so already."""
RESERVED_LANES = frozenset({"score", "promoted", "review_requested"})
"""Ways to sales that every model has."""


def faults(model: ScoringModel) -> Iterator[ModelFault]:
    """Everything that does not fit together, each with its place and a remedy."""
    for check in CHECKS:
        yield from check(model)


def _names(model: ScoringModel) -> Iterator[ModelFault]:
    yield from _twice("pages", "name", [page.name for page in model.pages], "page group")
    yield from _twice("rules", "id", [rule.id for rule in model.rules], "rule")
    yield from _twice("lanes", "name", [lane.name for lane in model.lanes], "lane")
    if model.routing is not None:
        yield from _twice("routing.regions", "name", [r.name for r in model.routing.regions], "region")
        yield from _twice("routing.sizes", "name", [s.name for s in model.routing.sizes], "size")
    for name in model.groups:
        if name in RESERVED_GROUPS:
            yield ModelFault(
                ("groups", name), f"{name!r} is the name of a cap that is there anyway: choose another"
            )
    for n, lane in enumerate(model.lanes):
        if lane.name in RESERVED_LANES:
            yield ModelFault(("lanes", n, "name"), f"{lane.name!r} is a lane of every model: choose another name")


def _twice(path: str, key: str, names: Sequence[str], what: str) -> Iterator[ModelFault]:
    for n, name in enumerate(names):
        if name in names[:n]:
            yield ModelFault((*path.split("."), n, key), f"{what} {name!r} stands twice")


def _rules(model: ScoringModel) -> Iterator[ModelFault]:
    for n, rule in enumerate(model.rules):
        if rule.group is not None and rule.group not in model.groups:
            what = f"unknown group {rule.group!r}: {known(model.groups, 'groups')}"
            yield ModelFault(("rules", n, "group"), what)
        elif rule.group is not None and _most(rule) > model.groups[rule.group].cap:
            cap = model.groups[rule.group].cap
            what = (
                f"{_most(rule):g} points are more than the group {rule.group!r} may give ({cap:g}): raise its cap"
            )
            yield ModelFault(("rules", n, "points"), what)
        pages = [page.name for page in model.pages]
        for m, pattern in enumerate(rule.when):
            for name in pattern.visit if isinstance(pattern, VisitPattern) else ():
                if name not in pages:
                    what = f"unknown page group {name!r}: {known(pages, 'pages')}"
                    yield ModelFault(("rules", n, "when", m, "visit"), what)


def _most(rule: Rule) -> float:
    return max([abs(rule.points), *(abs(p.points or 0) for p in rule.when if isinstance(p, EventPattern))])


def _requests(model: ScoringModel) -> Iterator[ModelFault]:
    asked = _asked(model)
    if model.lanes and model.requests is None:
        yield ModelFault(("lanes",), "lanes need `requests`, which says how long a request may open one")
    if model.requests is not None:
        if not any(rule.request for rule in model.rules):
            yield ModelFault(("requests",), "requests need a rule that counts them, with `request: true`")
        for word in ("review", "breaks_cool_down"):
            for n, kind in enumerate(getattr(model.requests, word)):
                if asked is not None and kind not in asked:
                    yield ModelFault(("requests", word, n), _never(kind))
    for n, lane in enumerate(model.lanes):
        if asked is not None and lane.request not in asked:
            yield ModelFault(("lanes", n, "request"), _never(lane.request))
    if model.requests is not None and model.follow_up is None:
        what = "requests need follow_up, calendars and routing: by when, and by whom they are answered"
        yield ModelFault(("requests",), what)


def _never(kind: str) -> str:
    return f"no rule with `request: true` counts forms of the type {kind!r}"


def _asked(model: ScoringModel) -> set[Scalar] | None:
    """The types of forms that rules count as requests; None where one counts every form."""
    found: set[Scalar] = set()
    for rule in model.rules:
        for pattern in rule.when if rule.request else ():
            kinds = pattern.where.get("form_type") if isinstance(pattern, EventPattern) else None
            if kinds is None:
                return None
            found |= set(kinds) if isinstance(kinds, list) else {kinds}
    return found


def _stages(model: ScoringModel) -> Iterator[ModelFault]:
    sql, mql = model.stages.sql, model.stages.mql
    asked: list[tuple[tuple[str | int, ...], object]] = [
        (("stages", "mql"), mql.grades),
        (("stages", "sql"), sql.grades or sql.seniority),
        *((("lanes", n), lane.grades or lane.seniority) for n, lane in enumerate(model.lanes)),
    ]
    for place, what in asked if model.fit is None else ():
        if what:
            yield ModelFault(place, "grades and seniority are told by `fit`, which is missing")
    intent = any(r.intent or any(isinstance(p, EventPattern) and p.intent for p in r.when) for r in model.rules)
    if sql.intent and not intent:
        yield ModelFault(("stages", "sql", "intent"), "no rule shows intent: give one `intent: true`")


def _segments(model: ScoringModel) -> Iterator[ModelFault]:
    if model.fit is None or model.fit.industry is None:
        return
    industries = {row[1] for row in model.lists.get(model.fit.industry.words, []) if len(row) > 1}
    for word, conditions in (
        ("segments", [part.when for part in model.segments]),
        ("priorities", [part.when for part in model.priorities]),
    ):
        for n, when in enumerate(conditions):
            for name in when.industry or ():
                if name not in industries:
                    what = f"unknown industry {name!r}: {known(industries, 'industries')}"
                    yield ModelFault((word, n, "when", "industry"), what)


def known(names: Collection[str], what: str) -> str:
    """What could have been named."""
    return f"one of {', '.join(sorted(names))}" if names else f"the model has no {what}"


CHECKS: tuple[Callable[[ScoringModel], Iterator[ModelFault]], ...] = (
    _names,
    _rules,
    _requests,
    _stages,
    _segments,
)
