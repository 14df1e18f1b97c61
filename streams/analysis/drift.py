"""This week against the weeks before: scores, stages and rules, and what somebody should look at.

A rule counts anew at a change of stage when it has points there from the day before. One that always did and no
longer does has lost its events (a renamed form, a broken tracker); one that does for everybody tells nobody apart.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from streams import spectrum
from streams.analysis.interval import FEWEST, Share, share
from streams.analysis.life import Life
from streams.scoring.instant import DAY, milliseconds
from streams.scoring.model import Model
from streams.transition import Transition

NOW: Final = 7 * DAY
BEFORE: Final = 28 * DAY
"""This week, and the four before it."""
EXPECTED: Final = 10.0
"""Times that a rule should have counted before its silence is more than chance: below one in 20,000."""
EVERYBODY: Final = 0.95
SELDOM_ENOUGH: Final = 0.8
"""A rule that counted for more than this before is not new in counting for everybody."""
FAR: Final = 0.25
"""Part of a distribution that must have moved."""
ENOUGH: Final = 100
"""Changes of stage, this week and before, from which two distributions can be compared."""


class Shift(NamedTuple):
    """What part of the changes of stage something had this week, and in the weeks before."""

    name: str
    now: Share
    before: Share


class Alarm(NamedTuple):
    """What is not as it was: `rule_silent`, `rule_for_everybody`, `scores_moved` or `stages_moved`."""

    kind: str
    about: str
    words: str


class Drift(NamedTuple):
    """Distances: the part of a distribution that moved; None where there are too few to say."""

    scores: list[Shift]
    stages: list[Shift]
    rules: list[Shift]
    score_distance: float | None
    stage_distance: float | None
    models: int
    alarms: list[Alarm]


def drift(lives: Sequence[Life], model: Model, end: int) -> Drift:
    """Of all changes of stage up to `end` (Unix ms); rules are those of the model in force."""
    moves = [one for life in lives for one in life.told if one.type == "stage_changed"]
    now = [one for one in moves if end - NOW < milliseconds(one.occurred_at) <= end]
    before = [one for one in moves if end - NOW - BEFORE < milliseconds(one.occurred_at) <= end - NOW]
    scores = _shifts(now, before, lambda one: [spectrum.band(one.score)])
    scores.sort(key=lambda one: int(one.name))
    stages = _shifts(now, before, lambda one: [one.to_stage])
    found = {one.name: one for one in _shifts(now, before, spectrum.fresh)}
    empty = share(0, len(now)), share(0, len(before))
    rules = [found.get(rule.id, Shift(rule.id, *empty)) for rule in model.rules]
    distances = _distance(scores), _distance(stages)
    models = len({one.model_id for one in (*now, *before)})
    return Drift(
        scores, stages, rules, *distances, models, [*_silent(rules), *_everybody(rules), *_moved(*distances)]
    )


def _shifts(
    now: list[Transition], before: list[Transition], names: Callable[[Transition], Iterable[str]]
) -> list[Shift]:
    counts = [Counter(name for one in part for name in names(one)) for part in (now, before)]
    return [
        Shift(name, share(counts[0][name], len(now)), share(counts[1][name], len(before)))
        for name in sorted({*counts[0], *counts[1]})
    ]


def _distance(shifts: list[Shift]) -> float | None:
    """Half the sum of the differences (total variation): 0 the same, 1 nothing in common."""
    if not shifts or min(shifts[0].now.of, shifts[0].before.of) < ENOUGH:
        return None
    return sum(abs(one.now.good / one.now.of - one.before.good / one.before.of) for one in shifts) / 2


def _silent(rules: Iterable[Shift]) -> Iterable[Alarm]:
    for one in rules:
        expected = one.now.of * one.before.good / one.before.of if one.before.of else 0.0
        if expected >= EXPECTED and one.now.good == 0:
            yield Alarm(
                "rule_silent", one.name, f"did not count this week; {expected:.0f} times were to be expected"
            )


def _everybody(rules: Iterable[Shift]) -> Iterable[Alarm]:
    for one in rules:
        if min(one.now.of, one.before.of) < FEWEST:
            continue
        was = one.before.good / one.before.of
        if one.now.good >= EVERYBODY * one.now.of and was <= SELDOM_ENOUGH:
            words = f"counted at {one.now.good} of {one.now.of} changes of stage this week, {was:.0%} before"
            yield Alarm("rule_for_everybody", one.name, words)


def _moved(scores: float | None, stages: float | None) -> Iterable[Alarm]:
    for kind, about, distance in (("scores_moved", "scores", scores), ("stages_moved", "stages", stages)):
        if distance is not None and distance > FAR:
            yield Alarm(kind, about, f"{distance:.0%} of the distribution has moved")
