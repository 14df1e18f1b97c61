"""Shares of small samples: what they may really be. Below a least sample there is only the count."""

from math import sqrt
from typing import Final, NamedTuple

FEWEST: Final = 20
"""Cases below which a share says nothing, and only counts are shown."""
Z95: Final = 1.959963984540054
"""Standard deviations to each side that hold 95 % of a normal distribution."""


class Share(NamedTuple):
    """So many of so many; with `FEWEST` or more the share and Wilson's 95 % interval, else None."""

    good: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def share(good: int, of: int) -> Share:
    """A share with its interval."""
    if of < FEWEST:
        return Share(good, of, None, None, None)
    low, high = wilson(good, of)
    return Share(good, of, good / of, low, high)


def wilson(good: int, of: int) -> tuple[float, float]:
    """Wilson's score interval at 95 %, within 0 and 1, which holds for shares near them too; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    p, z2 = good / of, Z95 * Z95
    centre = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 / (1 + z2 / of) * sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return (0.0 if good == 0 else centre - half), (1.0 if good == of else centre + half)
