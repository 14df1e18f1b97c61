"""A number of people, or of anything, as forms and CRMs hold it: `1,000名以上`, `51-200`, `1k+`, `10名以下`."""

import math
import re
from functools import lru_cache
from typing import Final

from schemas.part import Scalar
from streams.fit.number import MOST, NUMBER, number, widened
from streams.fit.wording import plain

REMEMBERED: Final = 4096
"""Answers whose reading is kept."""
MOST_PEOPLE: Final = 10_000_000
"""No employer has more: a longer number is none of people."""
TO: Final = r"\s*(?:[~〜\-–—−‐‑―ー]|から|to(?![a-z]))\s*"
RANGE: Final = rf"(?P<low>{NUMBER})(?:\s*[^\W\d_a-z円万億]{{0,2}}{TO}(?P<high>{NUMBER}))?"
"""A number, or the two ends of a band."""
AT_MOST: Final = re.compile(
    r"^[~〜]|(?<![a-z])(?:under|below|less|fewer than|up to|at most|max\.?)(?![a-z])|<|≤|≦|未満|以下|まで|以内"
)
AT_LEAST: Final = re.compile(r"(?<![a-z])(?:over|more|above|at least|min\.?)(?![a-z])|>|≥|≧|以上|超|\+")
DATE: Final = re.compile(
    r"(?:19|20)\d\d(?:\s*年度?|[/.]\d{1,2}(?!\d))(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*日)?|\d{1,2}\s*月(?=期|末|時点|現在)"
)
"""A date beside an amount is no amount."""
ASIDE: Final = re.compile(r"[(\[【].*?(?:[)\]】]|$)")
UNIT: Final = r"(?:名|人(?!月|工)|社員|(?:employees?|people|persons?|staff|fte|headcount)(?![a-z]))"
PEOPLE: Final = re.compile(rf"{RANGE}\s*{UNIT}")
AROUND: Final = re.compile(
    r"約|およそ|従業員数?|社員数?|規模|程度|前後|ほど|くらい|ぐらい|以上|以下|未満|以内|まで|超|強|弱|合計|全社|[+:=<>≤≦≥≧,;、。]$"
    r"|^[~〜:=<>≤≦≥≧+]+|[~〜+]+$|(?<![a-z])(?:about|approx\.?|approximately|around|circa|ca\.|over|more than"
    r"|under|below|less than|fewer than|up to|at least|at most|max\.?|min\.?|or more|or less|and above"
    r"|employees?)(?![a-z])"
)
"""Words around a bare number that leave it one."""


def headcount(value: Scalar | None) -> int | None:
    """The number of people, of a band its lower end; None if the value is none. Nobody is no answer either."""
    if isinstance(value, str):
        return _headcount(value)
    if value is None or isinstance(value, bool):
        return None
    return _people(value)


@lru_cache(REMEMBERED)
def _headcount(text: str) -> int | None:
    clean = DATE.sub(" ", plain(text))
    match = PEOPLE.search(clean) or bare(clean)
    if match is None:
        return None
    low = lower(match, clean)
    return None if low is None else _people(low)


def bare(text: str) -> re.Match[str] | None:
    """The number or band that a text is but for asides and words around it."""
    rest = AROUND.sub("", AROUND.sub("", ASIDE.sub("", text).strip()).strip()).strip()
    return re.fullmatch(RANGE, rest)


def lower(match: re.Match[str], text: str) -> float | None:
    """The lower end. Of "at most so many" it is one: what was answered is not nothing."""
    low, high = match["low"], match["high"]
    if high is not None:
        least = number(widened(low, high))
        return None if least is None else max(least, 1.0)
    value = number(low)
    if value and AT_MOST.search(text) and not AT_LEAST.search(text):
        return 1.0
    return value


def _people(value: float) -> int | None:
    return int(value) if math.isfinite(value) and 1 <= value <= MOST_PEOPLE else None


def amount(value: float) -> float | None:
    """A plain number as an amount; None if it is negative or none at all."""
    return float(value) if math.isfinite(value) and 0 <= value <= MOST else None
