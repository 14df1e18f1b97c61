"""The people of the demo: names and companies by chance, titles as their stories need them.

All companies fit alike, so that a story's points can be worked out by hand: 200 to 4,999 employees (+10), a target
industry (+6), a country that is served (+3): 19 points. The title adds what `Rank` says; the fit is capped at 35.
"""

from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import Final

from streams.demo.journey import Person


class Rank(Enum):
    """Job titles that count alike: they add decision power to the fit, and +5 for a job near the product."""

    EXECUTIVE = ("CEO", "CIO", "VP Operations", "VP Marketing", "代表取締役")  # 12 + 5: 36, capped
    DIRECTOR = ("Head of Operations", "IT Director", "Director of Sales", "情報システム部長")  # 10 + 5
    MANAGER = ("Operations Manager", "IT Manager", "Marketing Manager", "営業課長")  # 6 + 5
    PLANNER = ("Production Planner", "Buyer", "Quality Engineer")  # nothing
    INTERN = ("Intern", "Student trainee")  # -15

    @property
    def fit(self) -> float:
        """Points of the fit, company included."""
        return FITS[self]


FITS: Final = {Rank.EXECUTIVE: 35.0, Rank.DIRECTOR: 34.0, Rank.MANAGER: 30.0, Rank.PLANNER: 19.0, Rank.INTERN: 4.0}

_FIRST: Final = (
    *("Aiko", "Daniel", "Emma", "Felix", "Grace", "Haruto", "Ines", "Jonas", "Keiko", "Lukas"),
    *("Maria", "Naoki", "Olivia", "Pavel", "Rin", "Sofia", "Takumi", "Uma", "Viktor", "Yuki"),
)
_LAST: Final = (
    *("Abe", "Bauer", "Costa", "Dubois", "Endo", "Fischer", "Garcia", "Hayashi", "Ito", "Jansen"),
    *("Kimura", "Lindqvist", "Meyer", "Nakata", "Okada", "Petrov", "Rossi", "Sato", "Tanaka", "Weber"),
)
COMPANIES: Final = (
    ("Kitano Machinery", "kitano.example", 800, "Machinery", "JP"),
    ("Hanse Telecom", "hanse-telecom.example", 1200, "Telecommunications", "DE"),
    ("Aozora Foods", "aozora-foods.example", 640, "食品製造", "日本"),
    ("Brightwater Pumps", "brightwater.example", 310, "Manufacturing", "United Kingdom"),
    ("Sakura Optics", "sakura-optics.example", 450, "製造業", "Japan"),
    ("Alpine Software", "alpine-software.example", 260, "Software", "DE"),
    ("Delta Packaging", "delta-packaging.example", 2300, "Manufacturing", "US"),
    ("Mizuho Textiles", "mizuho-textiles.example", 500, "メーカー", "JP"),
)
"""Name, domain, employees, industry and country as people write them."""


def people(random: Random) -> Iterator[Person]:
    """Person after person, each with an address of its own; their titles are their story's to give."""
    number = 0
    while True:
        names = [(first, last) for first in _FIRST for last in _LAST]
        random.shuffle(names)
        for first, last in names:
            number += 1
            company, domain, employees, industry, country = random.choice(COMPANIES)
            if number > len(names):  # names come again, addresses do not
                domain = f"{number // len(names)}.{domain}"
            yield Person(number, first, last, company, domain, employees, industry, country)
