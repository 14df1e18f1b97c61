"""Who follows up a lead: the account's owner, else a queue by region and size, and in it a place by company."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from schemas.follow_up import Lane, Range
from streams.follow_up.account import account_key, registrable
from streams.follow_up.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Queue:
    """People who follow up, the hours they keep, and how many places a company may be given to."""

    name: str
    calendar_name: str
    calendar: Calendar
    reps: int


@dataclass(frozen=True, slots=True)
class Region:
    """Its queues by size, in the order in which sizes are tried, and who looks at its requests."""

    countries: frozenset[str]
    sizes: tuple[tuple[Range | None, Queue], ...]
    reviews: Queue


@dataclass(frozen=True, slots=True)
class Routing:
    """The regions in the order in which they are tried, and the one of leads without a country."""

    regions: tuple[Region, ...]
    unknown_country: Region
    queues: Mapping[str, Queue]


class Company(NamedTuple):
    """What a route depends on. `domain` is the company's own, None if only a personal address is known; `owner` is
    the account's owner in the CRM; `country` is ISO 3166 alpha-2."""

    domain: str | None = None
    country: str | None = None
    employees: float | None = None
    owner: str | None = None


class Route(NamedTuple):
    """Where a lead goes. A place (`slot`, from 0) is given where no owner is known."""

    queue: str
    calendar: str
    owner: str | None
    slot: int | None
    account_key: str | None


def route(routing: Routing, company: Company, lane: Lane, lead_key: str) -> Route:
    """The route of a lead. Colleagues share queue and place, since nothing but their company decides them; only a
    lead without a company's domain is placed by its own key."""
    queue = _queue(_region(routing, company.country), company.employees, lane)
    domain = registrable(company.domain) if company.domain else None
    slot = None if company.owner else _place(domain or lead_key, queue.reps)
    return Route(queue.name, queue.calendar_name, company.owner, slot, account_key(domain))


def within(range_: Range | None, number: float | None) -> bool:
    """Whether a number is in the range; without a range every number is, also an unknown one."""
    if range_ is None:
        return True
    if number is None:
        return range_.unknown
    return (range_.at_least is None or number >= range_.at_least) and (
        range_.below is None or number < range_.below
    )


def _region(routing: Routing, country: str | None) -> Region:
    if country is None:
        return routing.unknown_country
    return next(region for region in routing.regions if country in region.countries or not region.countries)


def _queue(region: Region, employees: float | None, lane: Lane) -> Queue:
    if lane == "review":
        return region.reviews
    return next(queue for range_, queue in region.sizes if within(range_, employees))


def _place(name: str, places: int) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % places
