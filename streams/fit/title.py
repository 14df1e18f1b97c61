"""A job title as a person typed it: how much they decide, and what they work on."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from streams.fit.function import function
from streams.fit.seniority import Seniority, seniority
from streams.fit.wording import LONGEST, plain, says_nothing

REMEMBERED: Final = 8192
"""Titles whose reading is kept: those of a busy day."""
INITIALS: Final = re.compile(r"(?<![a-z0-9])(?:[a-z]\.){2,}(?:[a-z](?![a-z0-9]))?")
SPREAD: Final = re.compile(r"(?<!\S)([^\W\d_a-z]) (?=[^\W\d_a-z](?!\S))")
"""Single characters with blanks between, as on business cards: 部　長."""


class Title(NamedTuple):
    """What a title says; None where it says nothing."""

    seniority: Seniority | None
    function: str | None


UNKNOWN: Final = Title(None, None)


def read_title(text: str | None, industry: str | None) -> Title:
    """The reading of a title in Japanese or English.

    `industry` is the company's, by its name in the model: in `finance` a vice president is a middle manager.
    """
    return UNKNOWN if text is None else _read(text[:LONGEST], industry == "finance")


@lru_cache(REMEMBERED)
def _read(text: str, finance: bool) -> Title:
    title = SPREAD.sub(r"\1", INITIALS.sub(lambda initials: initials[0].replace(".", ""), plain(text)))
    if says_nothing(title):
        return UNKNOWN
    level = seniority(title, finance)
    if level is None:
        return UNKNOWN
    return Title(level, function(title) or ("executive" if level is Seniority.C_LEVEL else None))
