"""The follow-up of a scoring model made ready to run: names resolved, calendars built."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from schemas import follow_up as parts
from schemas.fault import ModelFault
from streams.follow_up import deadline, route, segment
from streams.follow_up.calendar import Calendar
from streams.follow_up.deadline import Deadlines, Terms
from streams.follow_up.route import Company, Queue, Region, Route, Routing
from streams.follow_up.segment import Chosen, Facts, Segment, Urgency
from streams.list_kind import countries

Lists = Mapping[str, Sequence[Sequence[str]]]

NORMAL: Final = Urgency("normal", None)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a model says about following up. A model that routes nobody has neither routing nor terms."""

    calendars: Mapping[str, Calendar]
    routing: Routing | None
    terms: Terms | None
    segments: tuple[Chosen[Segment], ...]
    urgencies: tuple[Chosen[Urgency], ...]

    def route(self, company: Company, lane: parts.Lane, lead_key: str) -> Route | None:
        """Who follows up; None if the model does not say."""
        return None if self.routing is None else route.route(self.routing, company, lane, lead_key)

    def deadlines(self, to: Route, arrival: int, lane: parts.Lane, urgency: Urgency = NORMAL) -> Deadlines | None:
        """By when, of what arrived at this instant (Unix milliseconds); None if the model does not say."""
        if self.terms is None:
            return None
        calendar = self.calendars[to.calendar]
        return deadline.deadlines(self.terms, calendar, arrival, lane, urgency.respond_within)

    def segment(self, facts: Facts) -> Segment | None:
        """The first segment that fits."""
        return next((chosen.what for chosen in self.segments if segment.meets(chosen.when, facts)), None)

    def urgency(self, facts: Facts) -> Urgency:
        """The first priority that fits, normal without one."""
        return next((chosen.what for chosen in self.urgencies if segment.meets(chosen.when, facts)), NORMAL)


def compile_follow_up(
    source: parts.FollowUpParts, lists: Lists, rules: Collection[str], timezone: str
) -> FollowUp:
    """The runnable form, given the model's lists, the ids of its rules and its time zone.

    Raises ModelFault if a name is unknown, or something that is needed is missing.
    """
    if (source.routing is None) != (source.follow_up is None):
        missing = "follow_up" if source.follow_up is None else "routing"
        raise ModelFault((), f"routing and follow_up belong together: {missing} is missing")
    calendars = {name: _calendar(name, part, lists) for name, part in source.calendars.items()}
    _check_conditions(source, rules)
    return FollowUp(
        calendars=calendars,
        routing=None if source.routing is None else _routing(source.routing, calendars, timezone),
        terms=None if source.follow_up is None else deadline.terms(source.follow_up),
        segments=segment.segments(source.segments),
        urgencies=segment.urgencies(source.priorities),
    )


def _calendar(name: str, part: parts.Calendar, lists: Lists) -> Calendar:
    here = ("calendars", name)
    try:
        ZoneInfo(part.zone)
    except (OSError, ValueError, KeyError):
        raise ModelFault((*here, "zone"), f"unknown time zone {part.zone!r}: one such as Asia/Tokyo") from None
    weekdays = frozenset(map(parts.WEEKDAYS.index, part.weekdays))
    holidays = _holidays(part.holidays, lists, (*here, "holidays"))
    try:
        return Calendar(part.zone, part.opens, part.closes, weekdays, holidays)
    except ValueError as error:
        raise ModelFault((*here, "holidays"), str(error)) from None


def _holidays(name: str | None, lists: Lists, here: tuple[str, ...]) -> frozenset[date]:
    if name is None:
        return frozenset()
    if name not in lists:
        raise ModelFault(here, f"unknown list {name!r}: {_known(lists, 'lists')}")
    try:
        return frozenset(date.fromisoformat(row[0]) for row in lists[name])
    except (IndexError, ValueError):
        raise ModelFault(here, f"the list {name!r} does not hold dates such as 2026-11-03") from None


def _routing(part: parts.Routing, calendars: Mapping[str, Calendar], timezone: str) -> Routing:
    queues = {name: _queue(name, queue, calendars) for name, queue in part.queues.items()}
    regions = tuple(_region(n, region, part, queues) for n, region in enumerate(part.regions))
    _check_last(part)
    return Routing(regions, _home(part, regions, timezone), queues)


def _queue(name: str, part: parts.Queue, calendars: Mapping[str, Calendar]) -> Queue:
    if part.calendar not in calendars:
        here = ("routing", "queues", name, "calendar")
        raise ModelFault(here, f"unknown calendar {part.calendar!r}: {_known(calendars, 'calendars')}")
    return Queue(name, part.calendar, calendars[part.calendar], part.reps)


def _region(n: int, part: parts.Region, routing: parts.Routing, queues: Mapping[str, Queue]) -> Region:
    here = ("routing", "regions", n)
    for code in part.countries:
        if code not in countries():
            raise ModelFault((*here, "countries"), f"unknown country {code!r}: two letters of ISO 3166 such as GB")
    reviews = part.reviews or routing.reviews
    for name in (*(f"{part.name}-{size.name}" for size in routing.sizes), reviews):
        if name not in queues:
            place = ("routing", "reviews") if name == routing.reviews else here
            raise ModelFault(place, f"leads go to {name!r}, which is not among the queues")
    sizes = tuple((size.employees, queues[f"{part.name}-{size.name}"]) for size in routing.sizes)
    return Region(frozenset(part.countries), sizes, queues[reviews])


def _check_last(part: parts.Routing) -> None:
    """Every lead has a region and a size: the last of each takes the rest, the others do not."""
    for n, region in enumerate(part.regions):
        if (not region.countries) != (n == len(part.regions) - 1):
            raise ModelFault(("routing", "regions", n), "the last region, and no other, takes all other countries")
    for n, size in enumerate(part.sizes):
        if (size.employees is None) != (n == len(part.sizes) - 1):
            raise ModelFault(("routing", "sizes", n), "the last size, and no other, takes all other companies")


def _home(part: parts.Routing, regions: Sequence[Region], timezone: str) -> Region:
    """The region of leads without a country: as named, else the first whose queues keep the model's time."""
    names = [region.name for region in part.regions]
    if part.unknown_country is not None:
        if part.unknown_country not in names:
            here = ("routing", "unknown_country")
            raise ModelFault(here, f"unknown region {part.unknown_country!r}: {_known(names, 'regions')}")
        return regions[names.index(part.unknown_country)]
    for region in regions:
        if region.sizes[-1][1].calendar.zone == timezone:
            return region
    raise ModelFault(("routing",), f"no region keeps the model's time ({timezone}): say which has unknown_country")


def _check_conditions(source: parts.FollowUpParts, rules: Collection[str]) -> None:
    seen: set[str] = set()
    for n, part in enumerate(source.segments):
        if part.name in seen:
            raise ModelFault(("segments", n, "name"), f"segment {part.name!r} stands twice")
        seen.add(part.name)
        _check_rules(part.when, rules, ("segments", n, "when", "alive"))
    for n, priority in enumerate(source.priorities):
        _check_rules(priority.when, rules, ("priorities", n, "when", "alive"))


def _check_rules(condition: parts.Condition, rules: Collection[str], here: tuple[str | int, ...]) -> None:
    unknown = sorted(set(condition.alive or ()) - set(rules))
    if unknown:
        raise ModelFault(here, f"unknown rule {unknown[0]!r}")


def _known(names: Collection[str], what: str) -> str:
    return f"one of {', '.join(sorted(names))}" if names else f"the model has no {what}"
