"""Numbers, bands and money as people type them: enough for the journeys and the random generator.

Readings: a band is its lower bound; `月額` or `/month` multiplies by 12 where a year is asked, and a year is
divided by 12 where a month is asked; money without a currency is JPY; a number is the first one in the text.
"""

import re
import unicodedata
from typing import Any

from tests.reference.b2b.lists import JPY_PER_USD

UNITS = {"億": 1e8, "万": 1e4, "千": 1e3, "k": 1e3, "m": 1e6}


def number(value: Any) -> float | None:
    """The first number of the text, with its unit."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    text = unicodedata.normalize("NFKC", str(value)).lower().replace(",", "")
    hit = re.search(r"(\d+(?:\.\d+)?)\s*(億|万|千|k(?![a-z])|m(?![a-z]))?", text)
    return float(hit[1]) * UNITS.get(hit[2] or "", 1.0) if hit else None


def yearly_usd(value: Any, plain_is_monthly: bool = False) -> float | None:
    """Money as US dollars a year; a sum that names no period is a month's or a year's, as told."""
    amount = number(value)
    if amount is None:
        return None
    text = unicodedata.normalize("NFKC", str(value)).lower()
    dollars = amount if re.search(r"usd|\$", text) else amount / JPY_PER_USD
    monthly = bool(re.search(r"月額|月|/month|per month|monthly", text))
    yearly = bool(re.search(r"年額|年間|/year|per year|yearly", text))
    return dollars * 12 if monthly or (plain_is_monthly and not yearly) else dollars
