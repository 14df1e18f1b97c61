"""A model's `fit:` section made ready to run: its lists read, its tables in order, nothing left to look up."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from schemas import fit as source
from streams.fit.mail import MailLists
from streams.fit.needs import Exchange, Need, compile_needs
from streams.fit.place import country
from streams.fit.seniority import Seniority
from streams.fit.wording import Lexicon, plain

Rows = tuple[tuple[str, ...], ...]
CURRENCY: Final = re.compile(r"[A-Z]{3}")
WHO: Final = ("title", "industry", "employees", "revenue", "country")
"""Attributes that every judgement reads."""
DOMAIN: Final = re.compile(r"[^\s@/]+")


class Flaw(NamedTuple):
    """One thing that is wrong: with a row of a list (counted from 0, without the header), or with the section."""

    path: str
    list: str | None
    row: int | None
    message: str


class Bands(NamedTuple):
    """Points by amount: those of the last band that starts at or below it."""

    starts: tuple[float, ...]
    points: tuple[float, ...]

    def of(self, amount: float) -> float:
        """The points of an amount that is not negative."""
        return self.points[bisect_right(self.starts, amount) - 1]


@dataclass(frozen=True, eq=False, slots=True)
class FitTerms:
    """Everything that judging a lead needs. Compared by identity: one is made per model."""

    source: source.Fit
    exchange: Exchange
    rates_as_of: str | None  # the date of the oldest rate
    seniority: Mapping[Seniority, float]
    employees: Bands | None
    revenue: Bands | None
    industries: Lexicon
    target: frozenset[str]
    excluded: frozenset[str]
    serviceable: frozenset[str]
    needs: tuple[Need, ...]
    reads: tuple[str, ...]  # the attributes that a judgement depends on
    mail: MailLists


def compile_fit(fit: source.Fit, lists: Mapping[str, Rows], currency: str) -> FitTerms | list[Flaw]:
    """The terms of a section, with the rows of the lists it names (without headers), or what is wrong with them.

    `currency` (ISO 4217) is that of amounts that name none.
    """
    reader = _Reader(lists)
    rates, dates = reader.rates(fit.usd_rates)
    if currency not in rates and fit.usd_rates in lists:
        reader.fault("usd_rates", fit.usd_rates, None, f"has no rate for the model's currency {currency}")
    exchange = Exchange(currency, rates)
    industry = fit.industry
    industries = reader.pairs("industry.words", industry.words) if industry else []
    known = frozenset(meaning for _, meaning in industries)
    excluded = industry.excluded if industry else None
    needs = reader.needs(fit.needs, exchange) if fit.needs else ()
    terms = FitTerms(
        source=fit,
        exchange=exchange,
        rates_as_of=min(dates, default=None),
        seniority={Seniority[name.upper()]: points for name, points in _points(fit.seniority)},
        employees=_bands(fit.size.employees) if fit.size else None,
        revenue=_bands(fit.size.revenue_usd) if fit.size and fit.size.revenue_usd else None,
        industries=Lexicon(industries),
        target=reader.industries("industry.target", industry.target if industry else None, known),
        excluded=reader.industries("industry.excluded", excluded, known),
        serviceable=reader.countries(
            "geography.serviceable", fit.geography.serviceable if fit.geography else None
        ),
        needs=needs,
        reads=(*WHO, *(need.name for need in needs)),
        mail=reader.mail(fit.mail),
    )
    both = sorted(terms.target & terms.excluded)
    if both and fit.industry and fit.industry.excluded:
        reader.fault(
            "industry.excluded", fit.industry.excluded.list, None, f"{both[0]!r} is on the target list too"
        )
    return reader.flaws or terms


def _points(part: source.SeniorityFit | None) -> Iterator[tuple[str, float]]:
    yield from part.model_dump().items() if part else ()


def _bands(bands: list[source.Band]) -> Bands:
    return Bands(tuple(band.at_least for band in bands), tuple(band.points for band in bands))


@dataclass
class _Reader:
    """Reads lists and collects what is wrong with them."""

    lists: Mapping[str, Rows]
    flaws: list[Flaw] = field(default_factory=list)

    def fault(self, path: str, name: str | None, row: int | None, message: str) -> None:
        self.flaws.append(Flaw(f"fit.{path}", name, row, message))

    def rows(self, path: str, name: str | None, columns: int) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The rows of a list that hold anything, each with at least so many cells filled."""
        if name is not None and name not in self.lists:
            named = ", ".join(sorted(self.lists)) or "none"
            self.fault(path, None, None, f"names the unknown list {name!r}; the lists of this model: {named}")
        for n, row in enumerate(self.lists.get(name, ()) if name else ()):
            cells = tuple(cell.strip() for cell in row)
            if len(cells) < columns or not all(cells[:columns]):
                if any(cells):
                    self.fault(path, name, n, f"expected {columns} filled columns, found {', '.join(cells)!r}")
            else:
                yield n, cells

    def checked(self, path: str, name: str | None, fits: Callable[[str], bool], what: str) -> list[str]:
        """The first column; what does not fit is a flaw."""
        kept = []
        for n, (cell, *_) in self.rows(path, name, 1):
            if fits(cell):
                kept.append(cell)
            else:
                self.fault(path, name, n, f"expected {what}, found {cell!r}")
        return kept

    def rates(self, name: str) -> tuple[dict[str, float], list[str]]:
        rates: dict[str, float] = {}
        dates = []
        for n, (code, rate, as_of, *_) in self.rows("usd_rates", name, 3):
            value = _positive(rate)
            if not CURRENCY.fullmatch(code) or value is None or not _is_date(as_of) or code in rates:
                what = "a currency code given once, US dollars for one unit, and a date such as 2025-10-31"
                self.fault("usd_rates", name, n, f"expected {what}, found '{code}, {rate}, {as_of}'")
            else:
                rates[code] = value
                dates.append(as_of)
        return rates, dates

    def pairs(self, path: str, name: str | None) -> list[tuple[str, str]]:
        return [(cells[0], cells[1]) for _, cells in self.rows(path, name, 2)]

    def words(self, path: str, part: source.Listed | None) -> Lexicon:
        cells = self.checked(path, part.list if part else None, lambda cell: bool(plain(cell)), "a word")
        return Lexicon((cell, cell) for cell in cells)

    def needs(self, part: source.NeedsFit, exchange: Exchange) -> tuple[Need, ...]:
        software = self.words("needs.software", part.software)
        return compile_needs(part, exchange, software, self.words("needs.persona", part.persona))

    def industries(self, path: str, part: source.Listed | None, known: frozenset[str]) -> frozenset[str]:
        what = f"an industry of the words list ({', '.join(sorted(known))})"
        return frozenset(self.checked(path, part.list if part else None, known.__contains__, what))

    def countries(self, path: str, name: str | None) -> frozenset[str]:
        cells = self.checked(path, name, lambda cell: country(cell) is not None, "a country's name or code")
        return frozenset(found for cell in cells if (found := country(cell)) is not None)

    def mail(self, part: source.MailDomains | None) -> MailLists:
        def domains(path: str, name: str | None) -> frozenset[str]:
            cells = self.checked(path, name, lambda cell: DOMAIN.fullmatch(cell) is not None, "a domain without @")
            return frozenset(plain(cell).strip(".") for cell in cells)

        if part is None:
            return MailLists(frozenset(), frozenset(), frozenset(), frozenset())
        return MailLists(
            personal=domains("mail.personal", part.personal),
            disposable=domains("mail.disposable", part.disposable),
            academic=domains("mail.academic", part.academic),
            role=domains("mail.role", part.role),
        )


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
