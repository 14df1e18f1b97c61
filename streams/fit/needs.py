"""Signs of need and means: each a question to one attribute."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from schemas.fit import NeedsFit
from schemas.part import Scalar
from streams.fit.money import MONTHS, Period, money
from streams.fit.wording import Lexicon, said, says_nothing


class Need(NamedTuple):
    """Points if the attribute of this name answers yes. `met` is None where the answer cannot be read."""

    name: str
    points: float
    met: Callable[[Scalar], bool | None]


class Exchange(NamedTuple):
    """How amounts become US dollars: the currency of those that name none, and dollars for one unit of each."""

    currency: str
    rates: Mapping[str, float]

    def usd_a_year(self, value: Scalar | None, period: Period) -> float | None:
        """An amount in US dollars a year; None if it is none, or there is no rate for its currency."""
        found = money(value, period, self.currency)
        rate = self.rates.get(found.currency) if found is not None else None
        return None if found is None or rate is None else found.a_year * rate


def compile_needs(part: NeedsFit, exchange: Exchange, software: Lexicon, personas: Lexicon) -> tuple[Need, ...]:
    """The needs of a model that give points, in the order in which they are listed in a ledger."""
    needs = [Need("budget", part.budget, lambda value: _has_budget(value, exchange.currency))]
    if part.ad_spend:
        least = part.ad_spend.usd_a_month * MONTHS
        needs.append(Need("ad_spend", part.ad_spend.points, lambda value: _spends(value, least, exchange)))
    needs.append(Need("pain_points", part.pain_points, _says_something))
    if part.software:
        needs.append(
            Need("software", part.software.points, lambda value: software.meaning(said(value)) is not None)
        )
    if part.persona:
        needs.append(Need("persona", part.persona.points, lambda value: personas.meaning(said(value)) is not None))
    return tuple(need for need in needs if need.points)


def _has_budget(value: Scalar, currency: str) -> bool | None:
    found = money(value, "year", currency)
    return None if found is None else found.a_year > 0


def _spends(value: Scalar, least: float, exchange: Exchange) -> bool | None:
    spent = exchange.usd_a_year(value, "month")
    return None if spent is None else spent >= least


def _says_something(value: Scalar) -> bool:
    return not says_nothing(said(value))
