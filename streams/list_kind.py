"""What the lists beside a scoring model hold: the columns of each kind, and what a cell must be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, NamedTuple, get_args
from unicodedata import category

from babel import Locale

from schemas.feedback import Relationship
from streams.follow_up.account import registrable

LONGEST_CELL: Final = 200
FIRST_YEAR: Final = 1970

Holds = Callable[[str], bool]


class Column(NamedTuple):
    """What a cell must be, as a test and in words."""

    holds: Holds
    expected: str
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of list: its columns in order. No two rows share the first cell."""

    columns: dict[str, Column]

    @property
    def header(self) -> str:
        return ",".join(self.columns)

    def is_of(self, header: list[str]) -> bool:
        """Whether a header, in any order, is that of this kind."""
        needed = {name for name, column in self.columns.items() if not column.optional}
        return needed <= set(header) <= set(self.columns) and len(header) == len(set(header))

    def wrong(self, row: list[str]) -> tuple[str, str] | None:
        """The first column whose cell is wrong, and what was expected."""
        for (name, column), cell in zip(self.columns.items(), row, strict=True):
            if column.optional and cell == "":
                continue
            if not 0 < len(cell) <= LONGEST_CELL or not column.holds(cell):
                return name, f"expected {column.expected}, found {cell[:LONGEST_CELL]!r}"
        return None


def _like(pattern: str) -> Holds:
    compiled = re.compile(pattern)
    return lambda cell: compiled.fullmatch(cell) is not None


def _is_text(cell: str) -> bool:
    return not any(category(character).startswith("C") for character in cell)


def _is_date(cell: str) -> bool:
    try:
        return len(cell) == len("2026-11-03") and date.fromisoformat(cell).year >= FIRST_YEAR
    except ValueError:
        return False


@cache
def countries() -> frozenset[str]:
    """The codes that ISO 3166 assigned to countries."""
    codes = [code for code in Locale("en").territories if isinstance(code, str)]
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha()) - _NO_COUNTRIES


_NO_COUNTRIES: Final = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"]
)
"""What the Unicode tables have besides: reserved codes, parts of countries, unions, tests."""
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_TEXT: Final = Column(_is_text, f"text of 1 to {LONGEST_CELL} characters")
_DATE: Final = Column(_is_date, "a date such as 2026-11-03")
_DOMAIN: Final = Column(lambda cell: registrable(cell) == cell, "a registrable domain such as acme.co.jp")
_MAIL_DOMAIN: Final = Column(_like(rf"(?:{_LABEL}\.)+{_LABEL}"), "a mail domain in lower case such as gmail.com")
_SUFFIX: Final = Column(_like(rf"{_LABEL}(?:\.{_LABEL})*"), "the end of a domain in lower case such as ac.jp")
_LOCAL_PART: Final = Column(
    _like(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}"), "what stands before the @, in lower case, such as info"
)
_COUNTRY: Final = Column(
    lambda cell: cell in countries(), "a country in two capital letters such as JP (ISO 3166)"
)
_RELATIONSHIP: Final = Column(
    lambda cell: cell in get_args(Relationship), f"one of {', '.join(get_args(Relationship))}"
)
_OWNER: Final = Column(_is_text, "the name of the account's owner, or nothing", optional=True)
_CURRENCY: Final = Column(_like(r"[A-Z]{3}"), "a currency in three capital letters such as JPY (ISO 4217)")
_RATE: Final = Column(_like(r"(?=.*[1-9])[0-9]{1,9}(?:\.[0-9]{1,12})?"), "a number above 0 such as 0.0067")

KINDS: Final = (
    Kind({"domain": _DOMAIN}),
    Kind({"mail_domain": _MAIL_DOMAIN}),
    Kind({"suffix": _SUFFIX}),
    Kind({"local_part": _LOCAL_PART}),
    Kind({"country": _COUNTRY}),
    Kind({"date": _DATE, "name": _TEXT}),
    Kind({"domain": _DOMAIN, "relationship": _RELATIONSHIP, "owner": _OWNER}),
    Kind({"currency": _CURRENCY, "usd": _RATE, "date": _DATE}),
    Kind({"word": _TEXT, "industry": _TEXT}),
    Kind({"word": _TEXT}),
    Kind({"industry": _TEXT}),
    Kind({"software": _TEXT}),
    Kind({"persona": _TEXT}),
)
FIXED: Final = {"competitors": "domain", "own_domains": "domain", "customers": "domain,relationship,owner"}
"""Lists that mean the same in every model, by name, and the header of what they must hold."""


def kinds_of(name: str) -> list[Kind]:
    """The kinds that a list of this name may be of."""
    return [kind for kind in KINDS if FIXED.get(name) in (None, kind.header)]
