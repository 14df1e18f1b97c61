"""What a change of stage adds to the distributions that are watched for drift. Pure."""

from typing import Final

from streams.scoring.instant import DAY, milliseconds, rfc3339
from streams.transition import Transition

HIGHEST_BAND: Final = 100.0
NO_RULE: Final = ("cap:", "fit:")
"""What lines begin with that are of no rule."""


def band(score: float) -> str:
    """The score's band of 20 points, by its lower end; 100 is that or more."""
    return str(int(min(max(score, 0.0), HIGHEST_BAND) // 20 * 20))


def fresh(told: Transition) -> set[str]:
    """The rules that count anew: with points there from the day before the change; how it fits is no rule."""
    since = rfc3339(milliseconds(told.occurred_at) - DAY)
    return {
        line.rule
        for line in told.contributions
        if line.at is not None and line.at > since and line.value > 0 and not line.rule.startswith(NO_RULE)
    }
