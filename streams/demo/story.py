"""The journeys that the demo plays, each with its end by the published model, worked out by hand.

The model: 3 or more visits within 30 days +10, once; a whitepaper +20, once; a contact with sales +30, once; an
open by a human +5, twice at most. MQL from 20. SQL from 40, if an email address or phone is known.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple

from streams.demo.journey import CRAWLER, LINK_SCANNER, SPAN_DAYS, Call, Pen, Person
from streams.scoring.instant import DAY


class Lead(NamedTuple):
    """An identity of a journey, and the stage it must end in. A `visitor` never shows on `lead-transitions`."""

    email: str | None
    user_id: str | None
    anonymous_id: str | None
    stage: str


class Journey(NamedTuple):
    """Everything that happens around one story; `calls` in the order in which they were made."""

    story: str
    leads: tuple[Lead, ...]
    calls: tuple[Call, ...]
    duplicates: int
    dead: int


class Story(NamedTuple):
    """`weight`: how often it is played beyond once, which every story is."""

    tells: str
    weight: int
    play: Callable[[Pen], str]
    duplicates: int = 0
    dead: int = 0


def _ready(pen: Pen) -> str:
    pen.visits(3, 1, 11)  # +10
    pen.whitepaper(12)  # +20
    pen.sign_up(12.2)
    pen.opened(16, 23)  # +5 +5
    return "sql"  # 40


def _called(pen: Pen) -> str:
    pen.visits(1, 4, 4)
    pen.sign_up(5)
    pen.whitepaper(6)  # +20
    pen.spoke(20)  # +30
    return "sql"  # 50


def _talked_then_browsed(pen: Pen) -> str:
    pen.sign_up(3)
    pen.spoke(8)  # +30
    pen.visits(4, 15, 26)  # +10
    return "sql"  # 40


def _reader(pen: Pen) -> str:
    pen.visits(2, 5, 9)
    pen.whitepaper(10)  # +20
    pen.sign_up(10.2)
    return "mql"  # 20


def _returning(pen: Pen) -> str:
    pen.sign_up(2)
    pen.visits(4, 3, 18)  # +10
    pen.whitepaper(19)  # +20
    return "mql"  # 30


def _subscriber(pen: Pen) -> str:
    pen.visits(1, 6, 6)
    pen.newsletter(6.2)
    pen.opened(13, 20)  # +5 +5
    return "lead"  # 10


def _quiet(pen: Pen) -> str:
    pen.visits(2, 9, 14)
    pen.sign_up(14.2)
    return "lead"  # 0


def _passer_by(pen: Pen) -> str:
    pen.visits(1, 11, 11)
    return "visitor"  # 0


def _regular(pen: Pen) -> str:
    pen.visits(5, 2, 24)  # +10
    pen.whitepaper(25)  # +20
    return "visitor"  # 30, and nobody knows whose


def _every_mail(pen: Pen) -> str:
    pen.sign_up(1)
    pen.whitepaper(3)  # +20
    pen.opened(4, 7, 10, 14, 18, 22, 26)  # +10, not +35
    return "mql"  # 30


def _unreachable(pen: Pen) -> str:
    pen.log_in(4)
    pen.visits(3, 5, 15)  # +10
    pen.whitepaper(16)  # +20
    pen.spoke_without_address(22)  # +30
    return "mql"  # 60, but no address and no phone


def _retried(pen: Pen) -> str:
    pen.sign_up(5)
    pen.spoke(12)  # +30
    pen.opened(19)  # +5, not +15
    pen.repeat(2)
    return "mql"  # 35


def _scanned(pen: Pen) -> str:
    pen.sign_up(2)
    pen.visits(3, 4, 13)  # +10
    pen.whitepaper(14)  # +20
    pen.opened(17, 24, agent=LINK_SCANNER)  # +0, not +10
    return "mql"  # 30


def _crawler(pen: Pen) -> str:
    pen.visits(8, 1, 26, agent=CRAWLER)
    pen.whitepaper(26.5, agent=CRAWLER)
    return "visitor"


def _wrong_clock(pen: Pen) -> str:
    pen.sign_up(7)
    pen.whitepaper(9)  # +20
    pen.spoke_in_the_future(2)  # a dead letter, not +30
    return "mql"  # 20


STORIES: Final = (
    Story("three visits, a whitepaper, two opened mails", 7, _ready),
    Story("a whitepaper, then a talk with sales", 7, _called),
    Story("a talk with sales, then back on the site", 4, _talked_then_browsed),
    Story("a whitepaper and little else", 14, _reader),
    Story("often on the site, and a whitepaper", 9, _returning),
    Story("a newsletter and its mails", 14, _subscriber),
    Story("left an address, no more", 10, _quiet),
    Story("one visit, unknown", 24, _passer_by),
    Story("often on the site, unknown", 6, _regular),
    Story("opens every mail", 5, _every_mail),
    Story("signed in, without an address", 0, _unreachable),
    Story("one open that the SDK sent three times", 0, _retried, duplicates=2),
    Story("mails opened by a link scanner", 0, _scanned),
    Story("a search engine's crawler", 0, _crawler),
    Story("a telephone system whose clock is two days ahead", 0, _wrong_clock, dead=1),
)
SHARED_DEVICE: Final = "two people and a shared device"


def _shared(people: list[Person], start: int, random: Random) -> Journey:
    """Both talked with sales (+30); what the device does later is neither's (+10 would make an SQL)."""
    device = people[0].anonymous_id
    calls: list[Call] = []
    for day, person in enumerate(people, 2):
        pen = Pen(person, start, random, steady=True)
        pen.sign_up(day, device)
        pen.spoke(day + 8)
        if person is people[0]:
            pen.visits(4, 15, 26)
        calls += pen.calls
    leads = tuple(Lead(person.email, person.user_id, None, "mql") for person in people)
    return Journey(SHARED_DEVICE, (*leads, Lead(None, None, device, "visitor")), tuple(calls), 0, 0)


def _one(story: Story, person: Person, start: int, random: Random) -> Journey:
    pen = Pen(person, start, random)
    stage = story.play(pen)
    named = any("email" in str(call.content) or "email" in str(call.context) for call in pen.calls)
    known = any("user_id" in call.who for call in pen.calls)
    lead = Lead(person.email if named else None, person.user_id if known else None, person.anonymous_id, stage)
    return Journey(story.tells, (lead,), tuple(pen.calls), story.duplicates, story.dead)


FEWEST: Final = len(STORIES) + 3
"""Every story once, and the three of the shared device."""

_FIRST: Final = [
    "Aiko",
    "Daniel",
    "Emma",
    "Felix",
    "Grace",
    "Haruto",
    "Ines",
    "Jonas",
    "Keiko",
    "Lukas",
    "Maria",
    "Naoki",
    "Olivia",
    "Pavel",
    "Rin",
    "Sofia",
    "Takumi",
    "Uma",
    "Viktor",
    "Yuki",
]
_LAST: Final = [
    "Abe",
    "Bauer",
    "Costa",
    "Dubois",
    "Endo",
    "Fischer",
    "Garcia",
    "Hayashi",
    "Ito",
    "Jansen",
    "Kimura",
    "Lindqvist",
    "Meyer",
    "Nakata",
    "Okada",
    "Petrov",
    "Rossi",
    "Sato",
    "Tanaka",
    "Weber",
]
_COMPANIES: Final = (
    ("Kitano Machinery", "kitano.example"),
    ("Hanse Logistics", "hanse-logistics.example"),
    ("Aozora Foods", "aozora-foods.example"),
    ("Brightwater Pumps", "brightwater.example"),
    ("Sakura Optics", "sakura-optics.example"),
    ("Alpine Tools", "alpine-tools.example"),
    ("Delta Packaging", "delta-packaging.example"),
    ("Mizuho Textiles", "mizuho-textiles.example"),
)
_TITLES: Final = ("Plant Manager", "Head of Operations", "Production Planner", "CIO", "Purchasing Manager", "CEO")


def _people(random: Random) -> Iterator[Person]:
    number = 0
    while True:
        names = [(first, last) for first in _FIRST for last in _LAST]
        random.shuffle(names)
        for first, last in names:
            number += 1
            company, domain = random.choice(_COMPANIES)
            if number > len(names):  # names come again, addresses do not
                domain = f"{number // len(names)}.{domain}"
            yield Person(number, first, last, company, domain, random.choice(_TITLES))


def journeys(leads: int, seed: int, now: int) -> list[Journey]:
    """About so many leads (at least FEWEST); the same for the same seed and instant (Unix ms)."""
    random = Random(seed)  # noqa: S311  a repeatable play, no secret
    start = now - int(SPAN_DAYS * DAY)
    people = _people(random)
    found = [_shared([next(people), next(people)], start, random)]
    found += [_one(story, next(people), start, random) for story in STORIES]
    weights = [story.weight for story in STORIES]
    for _ in range(leads - FEWEST):
        (story,) = random.choices(STORIES, weights)
        found.append(_one(story, next(people), start, random))
    return found
